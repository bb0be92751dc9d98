"""What a process needs: waited for at the start, watched afterwards, each change said once."""

import asyncio

import pytest
from structlog.testing import capture_logs

from eventstore.errors import StoreUnavailable
from ordersaga.daemons.needs import Watch
from ordersaga.errors import Unreachable, WrongSetting


class Planned:
    """Answers as planned, in turn; the last answer repeats."""

    name = "event_store"
    place = "PostgreSQL at db:5432/shop"

    def __init__(self, *answers: Exception | None) -> None:
        self._answers = list(answers)

    async def meet(self) -> None:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is not None:
            raise answer

    probe = meet

    async def close(self) -> None:
        pass


AWAY = StoreUnavailable("no answer from the database")
UNREACHABLE = Unreachable("PostgreSQL at db:5432/shop does not answer: check the address")
NO_SCHEMA = Unreachable("the database lacks 10_tables: run `ordersaga migrate`")


async def test_waiting_is_said_once_for_each_problem_and_its_end_once() -> None:
    need = Planned(UNREACHABLE, UNREACHABLE, NO_SCHEMA, UNREACHABLE, None)
    changes = list[bool]()
    watch = Watch(need, changes.append)
    with capture_logs() as said:
        await watch.meet()
    assert [(line["event"], line["log_level"], line.get("problem")) for line in said] == [
        ("waiting", "warning", str(UNREACHABLE)),
        ("waiting", "warning", str(NO_SCHEMA)),
        ("available", "info", None),
    ]
    assert changes == [False, True]
    assert watch.problem is None


async def test_what_is_there_at_once_is_not_spoken_of() -> None:
    with capture_logs() as said:
        await Watch(Planned(None)).meet()
    assert said == []


async def test_a_wrong_setting_is_not_waited_for() -> None:
    with pytest.raises(WrongSetting):
        await Watch(Planned(WrongSetting("MASTER_KEY: needed"))).meet()


async def test_an_error_of_ours_is_not_waited_for() -> None:
    with pytest.raises(LookupError):
        await Watch(Planned(LookupError("bug"))).meet()


async def test_one_failure_may_be_chance_and_two_are_an_outage_that_is_said_once() -> None:
    changes = list[bool]()
    watch = Watch(Planned(None, AWAY, AWAY, AWAY, AWAY, None), changes.append)
    with capture_logs() as said:
        await watch.meet()
        await watch.look()
        assert watch.problem is None
        for _ in range(3):
            await watch.look()
            assert watch.problem == str(AWAY)
        await watch.look()
        assert watch.problem is None
    assert [line["event"] for line in said] == ["unavailable", "available"]
    assert changes == [False, True, False, True]


async def test_a_probe_that_never_returns_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordersaga.daemons.needs._LOOK_WITHIN_S", 0.05)

    class Silent(Planned):
        async def probe(self) -> None:
            await asyncio.Event().wait()

    watch = Watch(Silent(None))
    await watch.meet()
    await watch.look()
    await watch.look()
    assert watch.problem == "PostgreSQL at db:5432/shop does not answer in time"
