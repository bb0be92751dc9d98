"""Child processes: readiness, restarts, an end for each of them; and the ports they take."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from ordersaga.embedded.ports import PortChooser, PortTaken
from ordersaga.embedded.processes import ManagedProcess, ProcessFailed, ProcessSpec
from tests.support.stack.stack import free_ports, until

SLEEPER = "import time; print('begun', flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
BROKEN = "import sys; sys.exit('no configuration')"


class Child:
    """A managed process that runs a line of Python, and what was reported about it."""

    def __init__(self, folder: Path, program: str) -> None:
        self.log = folder / "logs" / "child.log"
        self.reports: list[str] = []
        spec = ProcessSpec(
            role="child",
            command=[sys.executable, "-c", program],
            env=dict(os.environ),
            cwd=folder,
            log=self.log,
            is_ready=self.begun,
            grace_s=0.5,
        )
        self.process = ManagedProcess(spec, self.reports.append)

    async def begun(self) -> bool:
        return "begun" in self.log.read_text()


@asynccontextmanager
async def child(folder: Path, program: str) -> AsyncIterator[Child]:
    made = Child(folder, program)
    try:
        yield made
    finally:
        await made.process.stop()


async def test_start_returns_when_the_program_says_that_it_is_ready(tmp_path: Path) -> None:
    async with child(tmp_path, SLEEPER) as sleeper:
        await sleeper.process.start()
        pid = sleeper.process.pid
        assert pid is not None
        assert psutil.Process(pid).cmdline()[-1] == SLEEPER
        await sleeper.process.stop()
        assert not psutil.pid_exists(pid)
        assert sleeper.reports == []


async def test_a_program_that_ends_while_starting_is_reported_with_its_words(
    tmp_path: Path,
) -> None:
    async with child(tmp_path, BROKEN) as broken:
        with pytest.raises(ProcessFailed, match=r"(?s)child ended.*no configuration"):
            await broken.process.start()


async def test_a_program_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    async with child(tmp_path, "import time; time.sleep(60)") as silent:
        with pytest.raises(ProcessFailed, match="did not become ready"):
            await silent.process.start(timeout_s=0.3)
        assert silent.process.pid is None


async def test_a_program_that_dies_is_started_again_and_that_is_said(tmp_path: Path) -> None:
    async with child(tmp_path, SLEEPER) as sleeper:
        await sleeper.process.start()
        first = sleeper.process.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: sleeper.process.restarts == 1)
        assert sleeper.process.pid not in (None, first)
        assert "SIGKILL" in sleeper.reports[0]
        assert "restarted" in sleeper.reports[1]


async def test_a_program_that_does_not_listen_is_killed_after_its_grace(tmp_path: Path) -> None:
    async with child(tmp_path, DEAF) as deaf:
        await deaf.process.start()
        pid = deaf.process.pid
        await deaf.process.stop()
        assert pid is not None
        assert not psutil.pid_exists(pid)
        assert deaf.reports == ["child did not stop in time and was killed"]


@pytest.mark.parametrize("program", [SLEEPER, DEAF])
async def test_a_program_that_was_stopped_for_a_while_runs_again_even_if_that_is_cut_off(
    tmp_path: Path, program: str
) -> None:
    async with child(tmp_path, program) as made:
        await made.process.start()
        first = made.process.pid
        assert first is not None

        async def go_without() -> None:
            async with made.process.stopped():
                await asyncio.Event().wait()

        for cut_after_s in (0, 0.1, 1.0):  # before, within and after the grace of a deaf one
            going = asyncio.create_task(go_without())
            await asyncio.sleep(cut_after_s)
            going.cancel()
            await asyncio.wait({going})
            assert made.process.pid is not None
        assert not psutil.pid_exists(first)


@pytest.fixture
def said() -> list[str]:
    return []


async def test_a_usual_port_that_is_taken_is_replaced_and_that_is_said(said: list[str]) -> None:
    async with listening() as port:
        chosen = PortChooser(said.append).choose("Temporal", None, port)
    assert chosen != port
    assert said == [f"port {port} is in use: Temporal uses {chosen}"]


async def test_a_port_that_was_asked_for_and_is_taken_is_refused(said: list[str]) -> None:
    async with listening() as port:
        with pytest.raises(PortTaken, match=str(port)):
            PortChooser(said.append).choose("Temporal", port, 1)


def test_no_port_is_given_twice(said: list[str]) -> None:
    chooser, port = PortChooser(said.append), free_ports(1)[0]
    assert chooser.choose("one", None, port) == port
    assert chooser.choose("another", None, port) != port


@asynccontextmanager
async def listening() -> AsyncIterator[int]:
    """A port on which somebody listens."""
    server = await asyncio.start_server(_ignore, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _ignore(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
