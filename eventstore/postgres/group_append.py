"""Appends that are asked for at the same moment share one round trip and one commit.

A lone append is sent at once by its own caller. What is asked for while a call is under way waits
for its end and then goes together; each request still succeeds or is refused on its own.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

import asyncpg

from eventstore.encoding import PreparedAppend
from eventstore.errors import DuplicateEventId, EventStoreError, StoreUnavailable
from eventstore.model import AppendResult
from eventstore.postgres.append_call import Outcome, call

MAX_EVENTS: Final = 1000
"""A call takes further requests until it holds this many events."""

MAX_CALLS: Final = 2
"""Calls under way at the same time."""

WORTH_A_CALL: Final = 4
"""So many requests in the queue are worth a second call."""


class SingleAppender:
    """Each append is a call of its own."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def append(self, request: PreparedAppend) -> AppendResult:
        """Send the request."""
        return _result(await _call_alone(self._pool, request))

    async def close(self) -> None:
        """Nothing is under way on its own."""


class _Waiting:
    """A request in the queue and the future its caller waits for."""

    __slots__ = ("future", "request")

    def __init__(self, request: PreparedAppend) -> None:
        self.request = request
        self.future: asyncio.Future[AppendResult] = asyncio.get_running_loop().create_future()


class GroupAppender:
    """What has queued up while calls are under way goes into the next one.

    Up to two calls are under way if there is enough for two: while the server works on one, this
    process reads the answer of the other and takes what its callers ask for next.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._queue: deque[_Waiting] = deque()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._flushers: set[asyncio.Task[None]] = set()

    async def append(self, request: PreparedAppend) -> AppendResult:
        """Send the request at once if nothing is under way, else with the next group."""
        if self._under_way:
            waiting = _Waiting(request)
            self._queue.append(waiting)
            self._start_flusher(WORTH_A_CALL)
            return await waiting.future
        self._under_way = 1
        self._idle.clear()
        try:
            return _result(await _call_alone(self._pool, request))
        finally:
            self._end_call()

    async def close(self) -> None:
        """Wait until everything that was asked for is answered."""
        await self._idle.wait()

    def _start_flusher(self, least: int) -> None:
        if self._under_way < MAX_CALLS and len(self._queue) >= least:
            self._under_way += 1
            # A task of its own: no caller's cancellation can end it.
            flusher = asyncio.create_task(self._flush(), name="eventstore group append")
            self._flushers.add(flusher)
            flusher.add_done_callback(self._flushers.discard)

    def _end_call(self) -> None:
        self._under_way -= 1
        if self._under_way == 0:
            self._start_flusher(1)
        if self._under_way == 0:
            self._idle.set()

    async def _flush(self) -> None:
        try:
            while self._queue:
                await self._send(self._take())
                # Those who were just answered may ask again: let them into the next group.
                await asyncio.sleep(0)
        except BaseException:
            self._refuse_rest()
            raise
        finally:
            self._end_call()

    def _take(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        share = self._share()
        while (
            self._queue
            and len(group) < share
            and (not group or size + self._queue[0].request.size <= MAX_EVENTS)
        ):
            waiting = self._queue.popleft()
            if waiting.future.cancelled():
                continue
            group.append(waiting)
            size += waiting.request.size
        self._start_flusher(WORTH_A_CALL)
        return group

    def _share(self) -> int:
        """Half of the queue if no other call is under way and both halves are worth one."""
        waiting = len(self._queue)
        alone = self._under_way < MAX_CALLS
        return (waiting + 1) // 2 if alone and waiting >= 2 * WORTH_A_CALL else waiting

    async def _send(self, group: Sequence[_Waiting]) -> None:
        if not group:
            return
        try:
            outcomes = await call_together(self._pool, [waiting.request for waiting in group])
        except BaseException as error:
            _answer(group, [_as_store_error(error)] * len(group))
            if not isinstance(error, Exception):
                raise
        else:
            _answer(group, outcomes)

    def _refuse_rest(self) -> None:
        # Only if the flusher itself was cancelled, at the end of the process.
        while self._queue:
            waiting = self._queue.popleft()
            _answer([waiting], [StoreUnavailable("the store was closed, nothing was sent")])


async def call_together(
    pool: asyncpg.Pool, requests: Sequence[PreparedAppend]
) -> list[Outcome | Exception]:
    """Append in one transaction; an outcome for each request, in order.

    Raises:
        StoreUnavailable: the outcome is unknown.
    """
    try:
        return [*await _together(pool, requests)]
    except StoreUnavailable:
        raise
    except Exception:  # noqa: BLE001  one bad request spoilt the call; each gets its own answer
        return [await _answer_alone(pool, request) for request in requests]


async def _together(pool: asyncpg.Pool, requests: Sequence[PreparedAppend]) -> list[Outcome]:
    try:
        return await call(pool, requests)
    except DuplicateEventId:
        # Most likely one was appended before: asked for, each is told what is known of it.
        return await call(pool, requests, check_ids=True)


async def _answer_alone(pool: asyncpg.Pool, request: PreparedAppend) -> Outcome | Exception:
    try:
        return await _call_alone(pool, request)
    except Exception as error:  # noqa: BLE001  it is the answer to this request's caller
        return error


async def _call_alone(pool: asyncpg.Pool, request: PreparedAppend) -> Outcome:
    try:
        (outcome,) = await call(pool, [request])
    except DuplicateEventId:
        # The ids collided where the versions fitted: ask what they belong to.
        (outcome,) = await call(pool, [request], check_ids=True)
    return outcome


def _result(outcome: Outcome) -> AppendResult:
    if isinstance(outcome, EventStoreError):
        raise outcome
    return outcome


def _as_store_error(error: BaseException) -> Exception:
    if isinstance(error, Exception):
        return error
    return StoreUnavailable("the store was closed while the append was under way")


def _answer(group: Sequence[_Waiting], outcomes: Sequence[Outcome | Exception]) -> None:
    for waiting, outcome in zip(group, outcomes, strict=True):
        if waiting.future.done():
            continue  # its caller was cancelled and does not want to know
        if isinstance(outcome, AppendResult):
            waiting.future.set_result(outcome)
        else:
            waiting.future.set_exception(outcome)
