"""Sends notifications from the outbox to a sink, and tries again what was not taken.

Any number of notifiers may run. Each takes due rows for a short time, so that one that dies loses
nothing: its rows are due again when that time is over. A notifier that dies between the receiver's
answer and the row's update sends again: receivers get each event at least once, with the same id.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from opentelemetry import metrics

from adapters.notifications.cloud_events import CloudEvent, NotDelivered, Sink
from eventstore.errors import StoreUnavailable
from projections.errors import describe, is_outage
from projections.outbox import outbox
from projections.outbox.outbox import LeasedNotification

if TYPE_CHECKING:
    from projections.engine.projection import Pool


_log = structlog.stdlib.get_logger("ordersaga.notifier")
_TYPE_PREFIX: Final = "ordersaga."
_SCHEMA_PREFIX: Final = "urn:ordersaga:notification:"
_BEYOND_TIMEOUT_S: Final = 3.0
_OUTAGES_TOLERATED: Final = 3
_RANDOM: Final = secrets.SystemRandom()

_attempts = metrics.get_meter("ordersaga.notifications").create_counter(
    "ordersaga.notifications.attempts", description="Notifications sent, by kind and result"
)
_waited = metrics.get_meter("ordersaga.notifications").create_histogram(
    "ordersaga.notifications.wait", unit="s", description="From the outbox to the receiver"
)


@dataclass(frozen=True, slots=True)
class Persistence:
    """How long it is tried.

    Attributes:
        attempts: after so many a notification is dead.
        first_s: wait after the first failure; doubles with each, up to `longest_s`. Of that wait
            a random part of the second half is left out, so that not all come back at once.
        max_age_s: a notification that has been waiting longer is dead, whatever the reason.
    """

    attempts: int = 30
    first_s: float = 5.0
    longest_s: float = 4 * 3600.0
    max_age_s: float = 7 * 24 * 3600.0

    def delay(self, attempts: int, wish_s: float | None = None) -> timedelta:
        """How long to wait after so many attempts; not shorter than the receiver's wish."""
        whole = min(self.first_s * 2.0 ** min(attempts - 1, 40), self.longest_s)
        return timedelta(seconds=max(whole * _RANDOM.uniform(0.5, 1.0), wish_s or 0.0))


@dataclass(frozen=True, slots=True)
class Pace:
    """How the sender goes, in seconds.

    Attributes:
        at_once: notifications on their way at the same moment.
        timeout_s: how long the sink takes at most; the lease is a little longer.
        idle_s: between looks into an outbox in which nothing is due.
        breath_s: after `tolerated` failures in a row, of whatever orders, nothing is taken for
            this time; doubles up to `longest_breath_s` until something is delivered. A receiver
            that is down is not hammered by all orders in turn.
        drain_s: how long sends under way may take after the stop.
    """

    at_once: int = 8
    timeout_s: float = 10.0
    idle_s: float = 0.5
    tolerated: int = 5
    breath_s: float = 1.0
    longest_breath_s: float = 30.0
    drain_s: float = 11.0

    @property
    def lease(self) -> timedelta:
        """For how long a row is taken."""
        return timedelta(seconds=self.timeout_s + _BEYOND_TIMEOUT_S)


class Notifier:
    """One sender.

    Args:
        pool: of the database with the outbox.
        sink: where to.
        source: CloudEvents source of this installation, a URI reference.
    """

    def __init__(
        self,
        pool: "Pool",
        sink: Sink,
        source: str,
        *,
        pace: Pace | None = None,
        persistence: Persistence | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._sink = sink
        self._source = source
        self._pace = pace or Pace()
        self._persistence = persistence or Persistence()
        self._clock = clock
        self._under_way: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._quiet_until = 0.0
        self._outages = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set; then what is under way is finished, or left to its lease."""
        while not stop.is_set():
            taken = await self._take()
            for each in taken:
                self._start(each)
            if not taken:
                await self._rest(stop)
        await self._drain()

    def problems(self) -> Sequence[str]:
        """What is wrong; a receiver that does not answer is none of ours."""
        if self._outages >= _OUTAGES_TOLERATED:
            return ("the database does not answer",)
        return ()

    async def _take(self) -> Sequence[LeasedNotification]:
        free = self._pace.at_once - len(self._under_way)
        if free <= 0 or self._clock() < self._quiet_until:
            return ()
        try:
            taken = await outbox.lease(self._pool, free, self._pace.lease)
        except Exception as error:  # noqa: BLE001  what is no outage is raised again
            self._note_outage(error)
            return ()
        self._outages = 0
        return taken

    def _note_outage(self, error: Exception) -> None:
        """Survive a database that is away; raise again whatever is wrong with ourselves."""
        if not isinstance(error, StoreUnavailable) and not is_outage(error):
            raise error
        self._outages += 1
        _log.warning("outbox not reachable", error=describe(error), failures=self._outages)

    def _start(self, taken: LeasedNotification) -> None:
        task = asyncio.create_task(self._handle(taken), name=f"notify {taken.subject}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _rest(self, stop: asyncio.Event) -> None:
        """Until something ended, the stop, or it is time to look again."""
        pause = max(self._pace.idle_s, self._quiet_until - self._clock())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait(
                {stopping, *self._under_way}, timeout=pause, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stopping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await stopping

    async def _drain(self) -> None:
        if not self._under_way:
            return
        _, late = await asyncio.wait(self._under_way, timeout=self._pace.drain_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _handle(self, taken: LeasedNotification) -> None:
        """Send one and note how it went; if that cannot be noted, the lease runs out."""
        try:
            if taken.age.total_seconds() > self._persistence.max_age_s:
                await self._bury(taken, "it waited too long to be sent")
            else:
                await self._send(taken)
        except Exception as error:  # noqa: BLE001  one notification must not end the others
            _log.warning("notification left to its lease", **_named(taken), error=describe(error))

    async def _send(self, taken: LeasedNotification) -> None:
        try:
            await self._sink.send(cloud_event(taken, self._source))
        except NotDelivered as problem:
            await self._note_failure(taken, problem)
        else:
            self._failures, self._quiet_until = 0, 0.0
            kept = await outbox.mark_delivered(self._pool, taken)
            _waited.record(taken.age.total_seconds(), {"kind": taken.kind})
            self._tell(taken, "delivered", kept)

    async def _note_failure(self, taken: LeasedNotification, problem: NotDelivered) -> None:
        if problem.final or taken.attempts >= self._persistence.attempts:
            await self._bury(taken, str(problem))
        else:
            delay = self._persistence.delay(taken.attempts, problem.retry_after_s)
            kept = await outbox.postpone(self._pool, taken, str(problem), delay)
            self._tell(taken, "postponed", kept, str(problem))
        if not problem.final:  # a refusal is an answer: the receiver is there
            self._take_breath()

    def _take_breath(self) -> None:
        self._failures += 1
        excess = self._failures - self._pace.tolerated
        if excess >= 0:
            breath = self._pace.breath_s * 2.0 ** min(excess // self._pace.tolerated, 20)
            self._quiet_until = self._clock() + min(breath, self._pace.longest_breath_s)

    async def _bury(self, taken: LeasedNotification, why: str) -> None:
        kept = await outbox.mark_dead(self._pool, taken, why)
        self._tell(taken, "dead", kept, why)

    def _tell(
        self, taken: LeasedNotification, result: str, kept: bool, error: str | None = None
    ) -> None:
        _attempts.add(1, {"kind": taken.kind, "result": result})
        level = {"delivered": _log.info, "postponed": _log.warning, "dead": _log.error}[result]
        level(f"notification {result}", **_named(taken), error=error, lease_lost=not kept)


def _named(taken: LeasedNotification) -> dict[str, object]:
    return {
        "notification": str(taken.id),
        "kind": taken.kind,
        "order_id": taken.subject,
        "attempt": taken.attempts,
    }


def cloud_event(taken: LeasedNotification, source: str) -> CloudEvent:
    """A row of the outbox as a CloudEvent."""
    extensions = {"sequence": f"{taken.position:020d}"}
    if taken.traceparent:
        extensions["traceparent"] = taken.traceparent
    return CloudEvent(
        id=str(taken.id),
        source=source,
        type=_TYPE_PREFIX + taken.kind,
        subject=taken.subject,
        time=taken.occurred_at,
        dataschema=f"{_SCHEMA_PREFIX}{taken.kind}:{taken.data_version}",
        data=taken.data,
        extensions=extensions,
    )
