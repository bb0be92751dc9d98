"""Appends that arrive while others are under way share the next round trip and commit.

The command handler batches by itself. This serves callers that append directly and at the same
time.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct

from eventstore.deadline import Deadline, of_command, until, using_reserve
from eventstore.encoding import PreparedAppend
from eventstore.errors import StoreUnavailable
from eventstore.model import AppendResult
from eventstore.postgres.append.slow_path import Connections, Outcome, append_requests
from eventstore.tasks import CLOSE_S, answered, background, finish, no_time_left

MAX_EVENTS: Final = 1000
"""A call takes further requests until it holds this many events."""

MAX_CALLS: Final = 2
"""Calls under way at the same time: the server works on one while this process prepares another."""


LONGEST_S: Final = 15.0
"""How long a caller without a deadline waits, in seconds."""


class _Waiting(Struct, frozen=True, eq=False):
    """A request, the future that its caller waits for, and until when he does."""

    request: PreparedAppend
    answer: asyncio.Future[AppendResult]
    deadline: Deadline


class AppendQueue:
    """Sends a request at once if a call is free, otherwise with others in the next call."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._waiting: deque[_Waiting] = deque()
        self._calls = 0
        self._requests = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def append(self, request: PreparedAppend) -> AppendResult:
        """Append; raises what `EventStore.append` raises."""
        if self._calls < MAX_CALLS and not self._waiting:
            with using_reserve():
                return await self._append_alone(request)
        answer: asyncio.Future[AppendResult] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(request, answer, of_command(LONGEST_S))
        self._waiting.append(waiting)
        return await answered(answer, waiting.deadline)

    async def close(self) -> None:
        """Wait until every request is answered, not for long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._idle.wait()
        await finish(self._tasks, 0)

    async def _append_alone(self, request: PreparedAppend) -> AppendResult:
        self._begin_call()
        self._requests += 1
        try:
            (outcome,) = await append_requests(self._connections, [request])
        finally:
            self._requests -= 1
            self._end_call()
        if isinstance(outcome, AppendResult):
            return outcome
        raise outcome

    def _begin_call(self) -> None:
        self._calls += 1
        self._idle.clear()

    def _end_call(self) -> None:
        self._calls -= 1
        self._serve_waiting()
        if not self._calls:
            self._idle.set()

    def _serve_waiting(self) -> None:
        """Use a free call for the requests that wait, if there are any."""
        if self._waiting and self._calls < MAX_CALLS:
            self._begin_call()
            # A task of its own: neither a caller's cancellation nor his deadline can end it.
            task = background(self._serve(), "eventstore append")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self) -> None:
        try:
            while batch := self._next_batch():
                with until(min((each.deadline for each in batch), key=Deadline.left)):
                    await self._send(batch)
                # Callers that just got an answer may append again: they join the next batch.
                await asyncio.sleep(0)
        except BaseException:
            # Only at the end of the process.
            _answer(self._waiting, [StoreUnavailable("the store was closed")] * len(self._waiting))
            self._waiting.clear()
            raise
        finally:
            self._end_call()

    def _next_batch(self) -> list[_Waiting]:
        """Half of all requests, including those under way, so that both calls stay equally busy.

        If one call took all of them, client and server would wait for each other in turns.
        """
        share = -(-(len(self._waiting) + self._requests) // MAX_CALLS)
        batch: list[_Waiting] = []
        size = 0
        first_ids: set[UUID] = set()
        while self._waiting and len(batch) < share:
            waiting = self._waiting[0]
            first_id = waiting.request.streams[0].events[0].event_id
            # A repeated request is recognised only once the first one is stored.
            if batch and (size + waiting.request.size > MAX_EVENTS or first_id in first_ids):
                break
            self._waiting.popleft()
            if waiting.answer.done():
                continue
            if waiting.deadline.passed:
                waiting.answer.set_exception(no_time_left())
            else:
                batch.append(waiting)
                size += waiting.request.size
                first_ids.add(first_id)
        self._serve_waiting()
        return batch

    async def _send(self, batch: Sequence[_Waiting]) -> None:
        requests = len(batch)
        self._requests += requests
        outcomes: Sequence[Outcome | Exception]
        try:
            outcomes = await append_requests(
                self._connections, [waiting.request for waiting in batch]
            )
        except StoreUnavailable as error:
            batch = self._put_back(batch)
            outcomes = [error] * len(batch)
        except Exception as error:  # noqa: BLE001  it is the answer to all callers
            outcomes = [error] * len(batch)
        except BaseException:
            _answer(batch, [StoreUnavailable("the store was closed")] * len(batch))
            raise
        finally:
            self._requests -= requests
        _answer(batch, outcomes)

    def _put_back(self, batch: Sequence[_Waiting]) -> Sequence[_Waiting]:
        """If a member's deadline ended the batch, try the others again; returns who is not."""
        late = [each for each in batch if each.deadline.passed]
        if not late:
            return batch
        self._waiting.extendleft(reversed([each for each in batch if each not in late]))
        return late


def _answer(batch: Sequence[_Waiting], outcomes: Sequence[Outcome | Exception]) -> None:
    for waiting, outcome in zip(batch, outcomes, strict=True):
        if waiting.answer.done():
            continue  # its caller was cancelled
        if isinstance(outcome, AppendResult):
            waiting.answer.set_result(outcome)
        else:
            waiting.answer.set_exception(outcome)
