"""What the front page says: orders and money of the last day, and the pace of the steps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from ordersaga.bootstrap.wiring import Services
from ordersaga.console.charts import Bar, Column, columns_chart
from projections.read_models.audit_log.model import HourCount, Pace, count_by_hour, step_pace
from projections.read_models.current_orders.model import count_open
from projections.read_models.payments.model import MoneySums, money_by_day

HOURS: Final = 24
_IN: Final = "OrderSubmitted"
_OUT: Final = "OrderCompleted"
_BACK: Final = "OrderCancelled"
_TYPES: Final = (_IN, _OUT, _BACK)


@dataclass(frozen=True, slots=True)
class Today:
    """The last 24 hours.

    Attributes:
        hours: events by hour.
        open_orders: by status.
        money: of today (UTC), by currency.
        pace: of the orders that were completed last.
    """

    hours: Sequence[HourCount]
    open_orders: Mapping[str, int]
    money: Sequence[MoneySums]
    pace: Sequence[Pace]

    def total(self, event_type: str) -> int:
        """How many events of a type there were."""
        return sum(each.events for each in self.hours if each.event_type == event_type)

    @property
    def submitted(self) -> int:
        """Orders that came in."""
        return self.total(_IN)

    @property
    def completed(self) -> int:
        """Orders that went out."""
        return self.total(_OUT)

    @property
    def cancelled(self) -> int:
        """Orders that were undone."""
        return self.total(_BACK)

    @property
    def slowest_s(self) -> float:
        """The time of the slowest step, for the bars of all."""
        return max((each.slow_s for each in self.pace), default=0.0)


async def load_today(services: Services) -> Today:
    """The last 24 hours as the read models know them."""
    now, pool = datetime.now(UTC), services.pool
    begin = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    return Today(
        await count_by_hour(pool, begin),
        await count_open(pool),
        await money_by_day(pool, now.date(), None, None),
        await step_pace(pool),
    )


def hours_chart(today: Today, zone: ZoneInfo) -> Markup:
    """Orders in, out and undone by hour."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    counts = Counter({(each.hour, each.event_type): each.events for each in today.hours})
    columns = []
    for back in reversed(range(HOURS)):
        hour = now - timedelta(hours=back)
        bars = zip(("running", "done", "undone"), _TYPES, strict=True)
        label = f"{hour.astimezone(zone):%H:%M}"
        columns.append(Column(label, [Bar(each, counts[hour, kind]) for each, kind in bars]))
    return columns_chart(columns, "Orders submitted, completed and cancelled by hour")
