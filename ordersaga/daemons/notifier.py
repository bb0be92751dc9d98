"""Sends notifications from the outbox to a sink, and retries those that were not accepted.

Any number of notifiers may run. Each leases due rows for a short time; the rows of one that dies
become due again when the lease expires. If it dies between the receiver's answer and the update of
the row, the notification is sent again: receivers get each event at least once, with the same id.
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
from ordersaga.daemons.loops import BEAT_EVERY_S, Heartbeat, Loop
from projections.errors import describe, is_outage
from projections.outbox import outbox
from projections.outbox.outbox import LeasedNotification

if TYPE_CHECKING:
    from projections.engine.projection import Pool


_log = structlog.stdlib.get_logger("ordersaga.notifier")
_TYPE_PREFIX: Final = "ordersaga."
SCHEMA_PREFIX: Final = "urn:ordersaga:notification:"
_BEYOND_TIMEOUT_S: Final = 3.0
_OUTAGES_TOLERATED: Final = 3
_RANDOM: Final = secrets.SystemRandom()

_attempts = metrics.get_meter("ordersaga.notifications").create_counter(
    "ordersaga.notifications.attempts", description="Notification attempts, by kind and result"
)
_waited = metrics.get_meter("ordersaga.notifications").create_histogram(
    "ordersaga.notifications.wait", unit="s", description="From the outbox to the receiver"
)


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """Retry limits for one notification.

    Attributes:
        attempts: attempts after which a notification is dead.
        first_s: delay after the first failure; doubles with each, up to `longest_s`. The actual
            delay is a random 50 to 100 % of that, so that retries spread out.
        max_age_s: age after which a notification is dead, whatever the reason.
    """

    attempts: int = 30
    first_s: float = 5.0
    longest_s: float = 4 * 3600.0
    max_age_s: float = 7 * 24 * 3600.0

    def delay(self, attempts: int, retry_after_s: float | None = None) -> timedelta:
        """The delay after this many attempts; at least what the receiver asked for."""
        whole = min(self.first_s * 2.0 ** min(attempts - 1, 40), self.longest_s)
        return timedelta(seconds=max(whole * _RANDOM.uniform(0.5, 1.0), retry_after_s or 0.0))


@dataclass(frozen=True, slots=True)
class SendLimits:
    """How fast the sender works; times in seconds.

    Attributes:
        at_once: notifications sent concurrently.
        timeout_s: time limit of the sink; the lease is slightly longer.
        idle_s: polling interval while nothing is due.
        backoff_s: pause after `tolerated` failures in a row, whatever their orders; doubles up to
            `longest_backoff_s` until a notification is delivered. It spares a receiver that is
            down.
        drain_s: how long running sends may take after the stop.
    """

    at_once: int = 8
    timeout_s: float = 10.0
    idle_s: float = 0.5
    tolerated: int = 5
    backoff_s: float = 1.0
    longest_backoff_s: float = 30.0
    drain_s: float = 11.0

    @property
    def lease(self) -> timedelta:
        """For how long a row is leased."""
        return timedelta(seconds=self.timeout_s + _BEYOND_TIMEOUT_S)


class Notifier:
    """One sender.

    Args:
        pool: connections to the database with the outbox.
        sink: where notifications go.
        source: CloudEvents source of this installation, a URI reference.
    """

    def __init__(
        self,
        pool: "Pool",
        sink: Sink,
        source: str,
        *,
        send_limits: SendLimits | None = None,
        limits: RetryLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._sink = sink
        self._source = source
        self._send_limits = send_limits or SendLimits()
        self._limits = limits or RetryLimits()
        self._clock = clock
        self._under_way: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._quiet_until = 0.0
        self._outages = 0
        self._heartbeat = Heartbeat()

    def loop(self) -> Loop:
        """The work as a loop of a process."""
        return Loop("notifications", self.run, self._heartbeat.age_s, problems=self.problems)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set; then finish running sends, or leave them to their lease."""
        while not stop.is_set():
            self._heartbeat.beat()
            rows = await self._take()
            for row in rows:
                self._start(row)
            if not rows:
                await self._idle(stop)
        await self._drain()

    def problems(self) -> Sequence[str]:
        """What is wrong; a receiver that does not answer is not our fault."""
        if self._outages >= _OUTAGES_TOLERATED:
            return ("the database does not answer",)
        return ()

    async def _take(self) -> Sequence[LeasedNotification]:
        free = self._send_limits.at_once - len(self._under_way)
        if free <= 0 or self._clock() < self._quiet_until:
            return ()
        try:
            rows = await outbox.lease(self._pool, free, self._send_limits.lease)
        except Exception as error:  # noqa: BLE001  an error other than an outage is raised again
            self._record_outage(error)
            return ()
        self._outages = 0
        return rows

    def _record_outage(self, error: Exception) -> None:
        """Count an outage of the database; raise any other error again."""
        if not isinstance(error, StoreUnavailable) and not is_outage(error):
            raise error
        self._outages += 1

    def _start(self, notification: LeasedNotification) -> None:
        task = asyncio.create_task(
            self._handle(notification), name=f"notify {notification.subject}"
        )
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _idle(self, stop: asyncio.Event) -> None:
        """Wait for a send to end, for the stop, or for the next poll."""
        pause = max(self._send_limits.idle_s, self._quiet_until - self._clock())
        pause = min(pause, BEAT_EVERY_S)
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
        _, late = await asyncio.wait(self._under_way, timeout=self._send_limits.drain_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _handle(self, notification: LeasedNotification) -> None:
        """Send one and record the result; if that fails, its lease expires."""
        try:
            if notification.age.total_seconds() > self._limits.max_age_s:
                await self._give_up(notification, "it was too old to be sent")
            else:
                await self._send(notification)
        except Exception as error:  # noqa: BLE001  one notification must not end the others
            _log.warning(
                "notification is retried after its lease",
                **_fields(notification),
                error=describe(error),
            )

    async def _send(self, notification: LeasedNotification) -> None:
        try:
            await self._sink.send(cloud_event(notification, self._source))
        except NotDelivered as problem:
            await self._record_failure(notification, problem)
        else:
            self._failures, self._quiet_until = 0, 0.0
            recorded = await outbox.mark_delivered(self._pool, notification)
            _waited.record(notification.age.total_seconds(), {"kind": notification.kind})
            self._report(notification, "delivered", recorded)

    async def _record_failure(
        self, notification: LeasedNotification, problem: NotDelivered
    ) -> None:
        if problem.final or notification.attempts >= self._limits.attempts:
            await self._give_up(notification, str(problem))
        else:
            delay = self._limits.delay(notification.attempts, problem.retry_after_s)
            recorded = await outbox.postpone(self._pool, notification, str(problem), delay)
            self._report(notification, "postponed", recorded, str(problem))
        if not problem.final:  # a refusal is an answer: the receiver is up
            self._back_off()

    def _back_off(self) -> None:
        self._failures += 1
        excess = self._failures - self._send_limits.tolerated
        if excess >= 0:
            backoff = self._send_limits.backoff_s * 2.0 ** min(
                excess // self._send_limits.tolerated, 20
            )
            self._quiet_until = self._clock() + min(backoff, self._send_limits.longest_backoff_s)

    async def _give_up(self, notification: LeasedNotification, why: str) -> None:
        recorded = await outbox.mark_dead(self._pool, notification, why)
        self._report(notification, "dead", recorded, why)

    def _report(
        self,
        notification: LeasedNotification,
        result: str,
        recorded: bool,
        error: str | None = None,
    ) -> None:
        _attempts.add(1, {"kind": notification.kind, "result": result})
        level = {"delivered": _log.info, "postponed": _log.warning, "dead": _log.error}[result]
        level(
            f"notification {result}", **_fields(notification), error=error, lease_lost=not recorded
        )


def _fields(notification: LeasedNotification) -> dict[str, object]:
    return {
        "notification": str(notification.id),
        "kind": notification.kind,
        "order_id": notification.subject,
        "attempt": notification.attempts,
    }


def cloud_event(notification: LeasedNotification, source: str) -> CloudEvent:
    """A row of the outbox as a CloudEvent."""
    extensions = {"sequence": f"{notification.position:020d}"}
    if notification.traceparent:
        extensions["traceparent"] = notification.traceparent
    return CloudEvent(
        id=str(notification.id),
        source=source,
        type=_TYPE_PREFIX + notification.kind,
        subject=notification.subject,
        time=notification.occurred_at,
        dataschema=f"{SCHEMA_PREFIX}{notification.kind}:{notification.data_version}",
        data=notification.data,
        extensions=extensions,
    )
