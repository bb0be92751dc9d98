"""The installation id: made once with the schema, changed only by whoever may migrate."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from domain.errors import InvalidValue
from eventstore.errors import NotAllowed
from ordersaga.bootstrap.schema import migrate_all
from ordersaga.errors import Refused
from ordersaga.installation.identity import Installation, parse_installation_id
from tests.support.stores.event_store import opened_app_pool, opened_pool

OLD = "0f8fad5b-d9cb-469f-a165-70867728950e"
WHY = "a copy for trials"


@pytest.fixture
async def installation(empty_database: str) -> AsyncIterator[Installation]:
    await migrate_all(empty_database)
    async with opened_pool(empty_database) as pool:
        yield Installation(pool)


async def test_migrating_makes_one_id_and_keeps_it(empty_database: str) -> None:
    await asyncio.gather(migrate_all(empty_database), migrate_all(empty_database))
    async with opened_pool(empty_database) as pool:
        (first,) = await Installation(pool).history()
        assert (first.act, first.previous) == ("made", None)
        await migrate_all(empty_database)
        assert await Installation(pool).history() == [first]
        assert await Installation(pool).current() == parse_installation_id(first.id)


async def test_a_change_is_kept_with_who_when_why_from_and_to(installation: Installation) -> None:
    before = await installation.current()
    renewed = await installation.renew("cli:ann", WHY)
    assert (renewed.previous, renewed.act) == (before, "renewed")
    adopted = await installation.adopt(before, "cli:jo", "the original is gone")
    assert (adopted.id, adopted.previous, adopted.act) == (before, renewed.id, "adopted")
    assert await installation.current() == before
    history = await installation.history()
    assert [row.actor for row in history] == ["cli:jo", "cli:ann", "migrate"]
    assert history[0].at > history[1].at > history[2].at


async def test_changes_at_once_follow_one_another(installation: Installation) -> None:
    await asyncio.gather(*(installation.renew("cli:ann", WHY) for _ in range(4)))
    history = await installation.history()
    assert [row.previous for row in history[:-1]] == [row.id for row in history[1:]]


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\x00b"])
async def test_a_change_without_a_reason_is_refused(
    installation: Installation, reason: str
) -> None:
    with pytest.raises(InvalidValue, match="reason"):
        await installation.renew("cli:ann", reason)
    assert len(await installation.history()) == 1


@pytest.mark.parametrize("bad", ["", "1", OLD[:-1], OLD.replace("-", ""), f"{{{OLD}}}", OLD + "0"])
async def test_a_malformed_id_is_refused(installation: Installation, bad: str) -> None:
    with pytest.raises(InvalidValue, match="must be a UUID"):
        await installation.adopt(bad, "cli:ann", WHY)
    assert len(await installation.history()) == 1


async def test_an_id_is_kept_in_lower_case(installation: Installation) -> None:
    assert (await installation.adopt(f" {OLD.upper()} ", "cli:ann", WHY)).id == OLD


async def test_the_present_id_cannot_be_adopted(installation: Installation) -> None:
    with pytest.raises(Refused, match="already"):
        await installation.adopt(await installation.current(), "cli:ann", WHY)


async def test_processes_read_the_id_and_cannot_change_it(empty_database: str) -> None:
    await migrate_all(empty_database)
    async with opened_app_pool(empty_database) as pool:
        before = await Installation(pool).current()
        with pytest.raises(NotAllowed):
            await Installation(pool).renew("cli:ann", WHY)
        for statement in (
            "UPDATE installation.identities SET id = gen_random_uuid()::text",
            "DELETE FROM installation.identities",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await pool.execute(statement)
        assert await Installation(pool).current() == before
