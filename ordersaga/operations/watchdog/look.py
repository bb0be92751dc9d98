"""One look at both sides: which orders are looked at, and which findings hold.

A look describes at most `MOST` workflows, however large the shop is: those with findings, those
that Temporal's visibility shows as suspicious, orders that have just become quiet, and in turn all
other open orders. So what happens under the eyes of visibility, or to an order that has just become
quiet, is seen at once; a saga that vanishes while its order waits for weeks is seen when its turn
comes (`PER_LOOK` orders a look).
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from temporalio.client import Client

from activities.messages import ALL_QUEUES
from domain.ids import OrderId, order_stream
from eventstore.store import EventStore
from ordersaga.findings import table
from ordersaga.findings.observation import Kind, Observation
from ordersaga.operations.watchdog import store_side, temporal_side
from ordersaga.operations.watchdog.comparison import judge_order, judge_queues
from projections.engine.projection import Pool

MOST: Final = 600
PER_LOOK: Final = 100
CONFIRMED_AFTER_S: Final = 6.0
"""What is seen once may be about to change; it is a finding if it is still so after this time."""

SETTLED_AFTER_S: Final = 15.0
"""After an outage everybody catches up first, and nothing is believed."""

_FIRST_LOOK_BACK: Final = timedelta(hours=1)
_LOOK_BACK: Final = timedelta(minutes=2)  # visibility may lag


class Confirmations:
    """Which observations have been seen for long enough.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: dict[tuple[Kind, str], tuple[float, Observation]] = {}
        self.restart()

    def restart(self) -> None:
        """Forget what was seen, and believe nothing until everybody has caught up."""
        self._since.clear()
        self._settled_at = self._clock() + SETTLED_AFTER_S

    def order_ids(self) -> list[OrderId]:
        """The orders that must be looked at again."""
        return [seen.order_id for _, seen in self._since.values() if seen.order_id is not None]

    def confirm(
        self, observations: Sequence[Observation], findings: Collection[tuple[str, str]]
    ) -> list[Observation]:
        """Those that are findings: they were before, or have been seen for long enough."""
        now = self._clock()
        before, self._since = self._since, {}
        confirmed = []
        for seen in observations:
            since, _ = before.get(seen.key, (max(now, self._settled_at), seen))
            if seen.key in findings or now - since >= CONFIRMED_AFTER_S:
                confirmed.append(seen)
            else:
                self._since[seen.key] = since, seen
        return confirmed


class Observer:
    """Looks at both sides; remembers where the last look ended.

    Args:
        pool: connections to PostgreSQL.
        store: the event store; it need not show personal data.
        client: Temporal.
        silent_after: how long an open order may go without an event.
        clock: seconds that only go forward.

    Attributes:
        asks: the server that is being asked, for the report of an outage.
    """

    def __init__(
        self,
        pool: Pool,
        store: EventStore,
        client: Client,
        silent_after: timedelta,
        clock: Callable[[], float],
    ) -> None:
        self._pool = pool
        self._store = store
        self._client = client
        self._silent_after = silent_after
        self._confirmations = Confirmations(clock)
        self.restart()

    def restart(self) -> None:
        """Begin anew, after an outage or while another watchdog looks."""
        self.asks = "PostgreSQL"
        self._confirmations.restart()
        self._since: datetime | None = None
        self._newly_quiet: store_side.Place | None = None
        self._in_turn = store_side.FIRST

    async def look(self, holder: UUID) -> bool:
        """Look once, and replace the findings; False if the watch was lost meanwhile.

        Raises:
            RPCError: Temporal does not answer.
            StoreUnavailable: the event store does not answer.
            PostgresError: the database does not answer.
        """
        self.asks = "PostgreSQL"
        now = await store_side.clock(self._pool)
        remark = await store_side.lag_of_orders(self._pool, self._store)
        order_ids = await self._order_ids(now)
        observations = await self._observe(order_ids, now)
        findings = await table.keys_of(self._pool, order_ids)
        holding = self._confirmations.confirm(_explained(observations, findings), findings)
        subjects = [*map(order_stream, order_ids), *ALL_QUEUES]
        return await table.replace(self._pool, holder, subjects, holding, remark)

    async def _observe(self, order_ids: Sequence[OrderId], now: datetime) -> list[Observation]:
        self.asks = "Temporal"
        queues = await temporal_side.describe_queues(self._client)
        runs = await temporal_side.describe_runs(self._client, order_ids)
        # The events come last: an order that has just ended is no finding.
        self.asks = "PostgreSQL"
        orders = await store_side.read_orders(self._store, order_ids)
        judged = (
            judge_order(each, orders[each], runs[each], now, self._silent_after)
            for each in order_ids
        )
        return [*judge_queues(queues), *(seen for seen in judged if seen is not None)]

    async def _order_ids(self, now: datetime) -> list[OrderId]:
        """The orders to look at, the most important first."""
        with_findings = await table.least_recent(self._pool, PER_LOOK)
        quiet = await self._quiet_orders(now)
        self.asks = "Temporal"
        since = self._since or now - _FIRST_LOOK_BACK
        suspects = await temporal_side.suspects(self._client, since, now)
        self.asks = "PostgreSQL"
        self._since = now - _LOOK_BACK
        chosen: Iterable[OrderId] = (
            *with_findings,
            *self._confirmations.order_ids(),
            *sorted(suspects),
            *quiet,
        )
        return list(dict.fromkeys(chosen))[:MOST]

    async def _quiet_orders(self, now: datetime) -> list[OrderId]:
        """Orders that have just become quiet, and the next ones in turn."""
        begin = self._newly_quiet or store_side.Place(now - _LOOK_BACK)
        newly = await store_side.quiet_orders(self._pool, begin, PER_LOOK)
        in_turn = await store_side.quiet_orders(self._pool, self._in_turn, PER_LOOK)
        self._newly_quiet = newly[-1] if newly else begin
        self._in_turn = in_turn[-1] if len(in_turn) == PER_LOOK else store_side.FIRST
        return [OrderId(place.order_id) for place in (*newly, *in_turn)]


def _explained(
    observations: Sequence[Observation], findings: Collection[tuple[str, str]]
) -> list[Observation]:
    """Without new silent orders while a queue has no workers: that explains them."""
    if not any(seen.kind is Kind.NO_WORKERS for seen in observations):
        return list(observations)
    return [seen for seen in observations if seen.kind is not Kind.SILENT or seen.key in findings]
