"""A loop that hangs or that an outage ends is started again; an error of ours ends it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from temporalio.service import RPCError, RPCStatusCode

from eventstore.errors import StoreUnavailable
from ordersaga.daemons.loops import Heartbeat, Loop, LoopEnded, RunningLoop
from ordersaga.daemons.outages import TemporalLost, is_outage
from tests.support.stack.stack import until


class Work:
    """A loop that behaves as planned at each start."""

    def __init__(self, *starts: Callable[["Work", asyncio.Event], object]) -> None:
        self._starts = list(starts)
        self.begun = 0
        self.heartbeat = Heartbeat()

    def loop(self) -> Loop:
        return Loop("work", self.run, self.heartbeat.age_s)

    async def run(self, stop: asyncio.Event) -> None:
        self.begun += 1
        plan = self._starts[min(self.begun, len(self._starts)) - 1]
        await plan(self, stop)  # type: ignore[misc]  # each plan is a coroutine function


async def works(work: Work, stop: asyncio.Event) -> None:
    await work.heartbeat.pause(3600, stop)


async def hangs(_work: Work, _stop: asyncio.Event) -> None:
    await asyncio.Event().wait()


async def returns(_work: Work, _stop: asyncio.Event) -> None:
    return


def fails(error: Exception) -> Callable[[Work, asyncio.Event], object]:
    async def fail(_work: Work, _stop: asyncio.Event) -> None:
        raise error

    return fail


@asynccontextmanager
async def running(work: Work, **options: float) -> AsyncIterator[RunningLoop]:
    stop = asyncio.Event()
    loop = RunningLoop(work.loop(), 1.5, **options)
    task = asyncio.create_task(loop.run(stop))
    try:
        yield loop
    finally:
        stop.set()
        await asyncio.wait({task}, timeout=60)
        task.cancel()


async def test_a_loop_that_hangs_is_cancelled_and_started_again() -> None:
    work = Work(hangs, works)
    async with running(work) as loop:
        await until(lambda: work.begun == 2)
        assert loop.restarts == 1
        await until(lambda: loop.problems() == [])
        assert not loop.is_lost


async def test_a_loop_that_moves_is_left_alone() -> None:
    """The control: it runs much longer than a loop without a heartbeat may."""
    work = Work(works)
    async with running(work) as loop:
        begun = time.monotonic()
        await until(lambda: time.monotonic() - begun > 4)
        assert (work.begun, loop.restarts) == (1, 0)


async def test_a_loop_that_cannot_be_cancelled_is_lost_until_it_ends() -> None:
    release = asyncio.Event()

    async def is_deaf(_work: Work, _stop: asyncio.Event) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    work = Work(is_deaf, works)
    async with running(work, cancel_within_s=0.1) as loop:
        await until(lambda: loop.is_lost)
        assert loop.problems() == ["is dead"]
        assert work.begun == 1
        release.set()
        await until(lambda: work.begun == 2)
        assert not loop.is_lost


OUTAGES = [
    StoreUnavailable("no answer"),
    ConnectionRefusedError(),
    TimeoutError(),
    TemporalLost("RuntimeError"),
    RPCError("away", RPCStatusCode.UNAVAILABLE, b""),
    RPCError("slow", RPCStatusCode.DEADLINE_EXCEEDED, b""),
    RPCError("key expired", RPCStatusCode.PERMISSION_DENIED, b""),
    ExceptionGroup("several", [StoreUnavailable("a"), ConnectionResetError()]),
]
OURS = [
    LookupError("bug"),
    RPCError("malformed", RPCStatusCode.INVALID_ARGUMENT, b""),
    ExceptionGroup("several", [StoreUnavailable("a"), LookupError("bug")]),
]


@pytest.mark.parametrize("error", OUTAGES, ids=repr)
async def test_an_outage_ends_no_loop(error: Exception) -> None:
    assert is_outage(error)
    work = Work(fails(error), works)
    async with running(work) as loop:
        await until(lambda: work.begun == 2)
        assert loop.restarts == 1
        assert loop.problems()[0].startswith("was ended by an outage")


@pytest.mark.parametrize("error", OURS, ids=repr)
async def test_an_error_of_ours_ends_the_loop(error: Exception) -> None:
    assert not is_outage(error)
    loop = RunningLoop(Work(fails(error)).loop(), 1.5)
    with pytest.raises(type(error)):
        await loop.run(asyncio.Event())
    assert loop.is_lost


async def test_a_loop_that_returns_before_the_stop_has_ended_by_an_error_of_ours() -> None:
    with pytest.raises(LoopEnded):
        await RunningLoop(Work(returns).loop(), 1.5).run(asyncio.Event())
