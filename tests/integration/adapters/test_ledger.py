"""The ledger of a sandbox: changes that wait together share a commit and fail separately."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from adapters.providers.rules import RequestRefused
from adapters.sandboxes.ledger import Answer, Ledger, Records


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = Ledger(tmp_path / "new folder" / "ledger.sqlite3")
    await ledger.open()
    yield ledger
    await ledger.close()


def keep(number: int, *, fail: bool = False) -> Callable[[Records], str]:
    def work(records: Records) -> str:
        records.insert(f"ref-{number}", f"key-{number}", f"body-{number}")
        if fail:
            raise RequestRefused("on_purpose", "after the insert")
        return f"body-{number}"

    return work


async def test_only_the_failed_change_is_undone(ledger: Ledger) -> None:
    changes = (ledger.run(keep(n, fail=n % 3 == 0)) for n in range(300))
    results = await asyncio.gather(*changes, return_exceptions=True)
    failed = [n for n, result in enumerate(results) if isinstance(result, RequestRefused)]
    assert failed == list(range(0, 300, 3))
    rows = await ledger.run(lambda records: records.after(0, 500))
    assert sorted(body for _, body in rows) == sorted(f"body-{n}" for n in range(300) if n % 3)


async def test_a_broken_constraint_is_raised_only_to_its_caller(ledger: Ledger) -> None:
    results = await asyncio.gather(
        *(ledger.run(keep(n)) for n in (1, 1, 2)), return_exceptions=True
    )
    assert results[0] == "body-1"
    assert isinstance(results[1], sqlite3.IntegrityError)
    assert results[2] == "body-2"
    assert await ledger.run(Records.count) == 2


async def test_a_key_has_one_answer(ledger: Ledger) -> None:
    calls = []

    def make(_: Records) -> str:
        calls.append(1)
        return "first"

    def ask(records: Records) -> Answer:
        return records.answer("key", "content", make)

    answers = await asyncio.gather(*(ledger.run(ask) for _ in range(20)))
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 19
    assert {answer.body for answer in answers} == {"first"}
    assert len(calls) == 1


async def test_answered_changes_are_there_after_a_reopen(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "ledger.sqlite3")
    await first.open()
    await first.run(keep(1))
    await first.close()
    second = Ledger(tmp_path / "ledger.sqlite3")
    await second.open()
    assert await second.run(lambda records: records.by_key("key-1")) == "body-1"
    assert await second.run(lambda records: records.by_reference("ref-1")) == "body-1"
    await second.close()


async def test_a_file_that_is_not_a_ledger_is_refused_at_start(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"no database at all" * 100)
    ledger = Ledger(path)
    with pytest.raises(sqlite3.DatabaseError):
        await ledger.open()


async def test_changes_requested_before_closing_are_finished(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    await ledger.open()
    changes = [asyncio.create_task(ledger.run(keep(n))) for n in range(50)]
    await asyncio.sleep(0)
    await ledger.close()
    assert len(await asyncio.gather(*changes)) == 50
