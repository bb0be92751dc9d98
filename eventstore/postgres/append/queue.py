"""Appends that are asked for at the same moment share one round trip and one commit.

A lone append is sent at once by its own caller. What is asked for while a call is under way waits
for its end and then goes together; each request still succeeds or is refused on its own.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Iterable, Sequence
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from eventstore.encoding import PreparedAppend
from eventstore.errors import (
    DuplicateEventId,
    EventStoreError,
    StoreUnavailable,
    StreamArchived,
    VersionConflict,
)
from eventstore.model import AppendResult, bucket_of
from eventstore.postgres.append.slow_path import ConnectionSource, Outcome, call
from eventstore.postgres.errors import translated
from eventstore.postgres.growth.archive import Archive
from eventstore.postgres.lease import Lease
from eventstore.postgres.sql_files import statement

_LOCK: Final = statement("lock_streams")

MAX_EVENTS: Final = 1000
"""A call takes further requests until it holds this many events."""

MAX_CALLS: Final = 2
"""Calls under way at the same time."""

PARTS: Final = 2
"""What waits and what is under way is divided into so many groups; 1: a call takes all that waits,
which spares processor time where there is none left for a second call."""


class SingleAppender:
    """Each append is a call of its own."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def append(self, request: PreparedAppend) -> AppendResult:
        """Send the request."""
        return _result(await _call_alone(self._pool, request))

    async def close(self) -> None:
        """Nothing is under way on its own."""


class _Waiting(Struct, frozen=True, eq=False):
    """A request in the queue and the future its caller waits for."""

    request: PreparedAppend
    streams: Sequence[str]
    future: asyncio.Future[AppendResult]


class GroupAppender:
    """What has queued up while calls are under way goes into the next one.

    Two calls are under way if there is enough for two: while the server works on one, this process
    reads the answer of the other and takes what its callers ask for next. Each call takes half of
    all that is asked for, else the callers would fall into step: one call would take them all, and
    client and server would wait for each other in turns. The requests for a stream keep their
    order: they are never in two calls at the same time.
    """

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._loop: asyncio.AbstractEventLoop
        self._queue: deque[_Waiting] = deque()
        self._calls = 0
        self._sent = 0
        self._busy: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._flushers: set[asyncio.Task[None]] = set()

    def append(self, request: PreparedAppend) -> Awaitable[AppendResult]:
        """Send the request at once if nothing is under way, else with the next group."""
        streams = [wanted.stream for wanted in request.streams]
        if not self._calls:
            return self._append_at_once(request, streams)
        future: asyncio.Future[AppendResult] = self._loop.create_future()
        self._queue.append(_Waiting(request, streams, future))
        if self._calls < MAX_CALLS and self._busy.isdisjoint(streams):
            self._start_flusher()
        return future

    async def _append_at_once(
        self, request: PreparedAppend, streams: Sequence[str]
    ) -> AppendResult:
        # Known to all that queue up behind: to ask for it is a system call each time.
        self._loop = asyncio.get_running_loop()
        self._calls = 1
        self._idle.clear()
        self._begin(streams, 1)
        try:
            return _result(await _call_alone(self._lease, request))
        finally:
            self._end(streams, 1)
            self._end_call()

    async def close(self) -> None:
        """Wait until everything that was asked for is answered."""
        await self._idle.wait()

    def _begin(self, streams: Iterable[str], requests: int) -> None:
        self._busy.update(streams)
        self._sent += requests

    def _end(self, streams: Iterable[str], requests: int) -> None:
        self._busy.difference_update(streams)
        self._sent -= requests

    def _start_flusher(self) -> None:
        if self._calls < MAX_CALLS:
            self._calls += 1
            # A task of its own: no caller's cancellation can end it.
            flusher = asyncio.create_task(self._flush(), name="eventstore group append")
            self._flushers.add(flusher)
            flusher.add_done_callback(self._flushers.discard)

    def _end_call(self) -> None:
        self._calls -= 1
        if self._calls:
            return  # what waits now waits for the other call, which goes on with it
        if self._queue:
            self._start_flusher()
        else:
            self._idle.set()

    async def _flush(self) -> None:
        try:
            while group := self._take():
                await self._send(group)
                # Those who were just answered may ask again: let them into the next group.
                await asyncio.sleep(0)
        except BaseException:
            self._refuse_rest()
            raise
        finally:
            self._end_call()

    def _take(self) -> list[_Waiting]:
        """The next group: an equal part for each call, and what else its streams are wanted for."""
        share = -(-(len(self._queue) + self._sent) // PARTS)
        group: list[_Waiting] = []
        left: deque[_Waiting] = deque()
        size = 0
        taken: set[str] = set()
        passed = set(self._busy)
        while self._queue and size < MAX_EVENTS:
            waiting = self._queue.popleft()
            if waiting.future.cancelled():
                continue
            wanted = len(group) < share or not taken.isdisjoint(waiting.streams)
            fits = not group or size + waiting.request.size <= MAX_EVENTS
            if wanted and fits and passed.isdisjoint(waiting.streams):
                group.append(waiting)
                size += waiting.request.size
                taken.update(waiting.streams)
            else:
                left.append(waiting)
                passed.update(waiting.streams)
        self._queue.extendleft(reversed(left))
        if self._queue and group:
            self._start_flusher()
        return group

    async def _send(self, group: Sequence[_Waiting]) -> None:
        streams = {stream for waiting in group for stream in waiting.streams}
        self._begin(streams, len(group))
        try:
            outcomes = await call_together(self._lease, [waiting.request for waiting in group])
        except BaseException as error:
            _answer(group, [_as_store_error(error)] * len(group))
            if not isinstance(error, Exception):
                raise
        else:
            _answer(group, outcomes)
        finally:
            self._end(streams, len(group))

    def _refuse_rest(self) -> None:
        # Only if the flusher itself was cancelled, at the end of the process.
        while self._queue:
            waiting = self._queue.popleft()
            _answer([waiting], [StoreUnavailable("the store was closed, nothing was sent")])


async def call_together(
    pool: ConnectionSource, requests: Sequence[PreparedAppend]
) -> list[Outcome | Exception]:
    """Append in one transaction; an outcome for each request, in order.

    Raises:
        StoreUnavailable: the outcome is unknown.
    """
    try:
        outcomes = await _together(pool, requests)
    except StoreUnavailable:
        raise
    except Exception:  # noqa: BLE001  one bad request spoilt the call; each gets its own answer
        return [await _answer_alone(pool, request) for request in requests]
    return [
        # While it decided, the call did not know its own events: now they can be recognised.
        await _answer_alone(pool, request)
        if isinstance(outcome, VersionConflict) and _is_repeated(request, requests)
        else outcome
        for request, outcome in zip(requests, outcomes, strict=True)
    ]


def _is_repeated(request: PreparedAppend, requests: Sequence[PreparedAppend]) -> bool:
    """Whether another request of the call has its first event."""
    first = _first_id(request)
    return sum(_first_id(other) == first for other in requests) > 1


def _first_id(request: PreparedAppend) -> UUID:
    return request.streams[0].events[0].event_id


async def _together(pool: ConnectionSource, requests: Sequence[PreparedAppend]) -> list[Outcome]:
    try:
        return await call(pool, requests)
    except DuplicateEventId:
        # Most likely one was appended before: asked for, each is told what is known of it.
        return await call(pool, requests, check_ids=True)


async def _answer_alone(pool: ConnectionSource, request: PreparedAppend) -> Outcome | Exception:
    try:
        return await _call_alone(pool, request)
    except Exception as error:  # noqa: BLE001  it is the answer to this request's caller
        return error


async def _call_alone(pool: ConnectionSource, request: PreparedAppend) -> Outcome:
    try:
        (outcome,) = await call(pool, [request])
    except DuplicateEventId:
        # The ids collided where the versions fitted: ask what they belong to.
        (outcome,) = await call(pool, [request], check_ids=True)
    except StreamArchived:
        outcome = await _call_restored(pool, request)
    return outcome


async def _call_restored(pool: ConnectionSource, request: PreparedAppend) -> Outcome:
    """Append to streams of which some are archived: what is new there brings them back."""
    try:
        # Asked for the ids first: a repetition needs no stream to be brought back.
        (outcome,) = await call(pool, [request], check_ids=True)
    except StreamArchived:
        names = [wanted.stream for wanted in request.streams]
        # In one transaction: nobody archives them again in between.
        async with pool.acquire() as connection, connection.transaction():
            await _lock(connection, names)
            await Archive(connection).restore(names, "an append")
            (outcome,) = await call(connection, [request], check_ids=True)
    return outcome


async def _lock(connection: asyncpg.Connection, names: Sequence[str]) -> None:
    """Lock all rows before one is brought back, also those that the append will make.

    Else this transaction would hold a later row while it waits for one that is being made.
    """
    with translated():
        await connection.execute(_LOCK, list(names), [bucket_of(name) for name in names])


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
