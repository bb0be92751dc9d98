"""Every process says what it cannot do, obeys SIGTERM, and waits at its start, in each trouble."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ordersaga.bootstrap.settings import BEYOND_DRAINING_S
from tests.support.faults.exposed import DRAIN_S, ROLES, Exposed, exposed_shop
from tests.support.faults.outlook import Outlook
from tests.support.faults.troubles import TROUBLES
from tests.support.stack.stack import until

GONE_WITHIN_S = DRAIN_S + BEYOND_DRAINING_S + 1.0  # the last is for a busy machine
MOST_LINES = 12  # of a process in a whole trouble, its end and its new start included


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exposed]:
    folder = tmp_path_factory.mktemp("health") / "data"
    async with exposed_shop(folder, print) as site:
        yield site


@pytest.fixture(scope="module")
async def outlook(site: Exposed) -> AsyncIterator[Outlook]:
    outlook = Outlook({role: site.health[role] for role in ROLES}, print)
    async with outlook.watched():
        yield outlook


@pytest.mark.parametrize(
    "trouble", ["read-only", "streams-locked", "frozen", "all-silent", "stopped"]
)
async def test_a_process_ends_and_starts_in_the_middle_of_a_trouble_of_the_database(
    site: Exposed, outlook: Outlook, trouble: str
) -> None:
    await go_through(site, outlook, trouble, "event_store")


@pytest.mark.parametrize("trouble", ["temporal-frozen", "temporal-silent", "temporal-stopped"])
async def test_a_process_ends_and_starts_in_the_middle_of_a_trouble_of_temporal(
    site: Exposed, outlook: Outlook, trouble: str
) -> None:
    await go_through(site, outlook, trouble, "temporal")


async def go_through(site: Exposed, outlook: Outlook, name: str, need: str) -> None:
    trouble, logs = TROUBLES[name], Logs(site)
    idle = sorted(trouble.idle)
    await until(lambda: all(map(outlook.ready, ROLES)))
    logs.begin()
    since = time.monotonic()
    async with trouble.make(site):
        await until(lambda: not any(map(outlook.ready, idle)))
        await until(lambda: all(logs.count(role, "unavailable") for role in idle))
        assert [each for each in outlook.changes if each.path == "livez" and each.at > since] == []
        await end_and_await_the_next(site, idle)
        await until(lambda: all(logs.count(role, "waiting") for role in idle))
        await until(lambda: not any(map(outlook.ready, idle)))
    await until(lambda: all(map(outlook.ready, ROLES)))
    for role in idle:
        waits = [line.partition("problem=")[2] for line in logs.lines(role, "waiting")]
        assert len(waits) == len(set(waits)) <= 2, waits  # a server that comes back says so
        assert logs.count(role, f"needs={need}") == 2 + len(waits), logs.text(role)
    for role in ROLES:
        assert logs.count(role, "") <= MOST_LINES, logs.text(role)
        assert logs.count(role, "Traceback") == 0, logs.text(role)


async def end_and_await_the_next(site: Exposed, roles: list[str]) -> None:
    """SIGTERM ends each process in time; here alone the time is the fact."""
    before = site.pids()
    for role in roles:
        os.kill(before[role], signal.SIGTERM)

    async def gone(role: str) -> None:
        await until(lambda: site.pids().get(role) != before[role], GONE_WITHIN_S)

    await asyncio.gather(*map(gone, roles))


class Logs:
    """What the processes of a stack wrote since the last `begin`."""

    def __init__(self, site: Exposed) -> None:
        self._folder: Path = site.stack.data_dir / "logs"
        self._begun: dict[str, int] = {}

    def begin(self) -> None:
        self._begun = {role: len(self._file(role).read_bytes()) for role in ROLES}

    def text(self, role: str) -> str:
        return self._file(role).read_bytes()[self._begun[role] :].decode()

    def lines(self, role: str, words: str) -> list[str]:
        return [line for line in self.text(role).splitlines() if words in line]

    def count(self, role: str, words: str) -> int:
        return len(self.lines(role, words))

    def _file(self, role: str) -> Path:
        return self._folder / f"{role}.log"
