"""Lists of orders with all four statuses, the money, and why a person is needed."""

from dataclasses import asdict, dataclass, replace

from domain.errors import InvalidValue
from ordersaga.findings.attention import orders_needing_attention
from ordersaga.operations.statuses import statuses_by_order
from projections.engine.projection import Pool
from projections.paging import Page
from projections.read_models.current_orders.model import OrderFilter, OrderSort, list_orders
from projections.read_models.order_row import CurrentOrder


@dataclass(slots=True, kw_only=True)
class ListedOrder(CurrentOrder):
    """An order in a list.

    Attributes:
        attention: why it needs a person; None: it does not.
        kept_minor: captured and not refunded; see `Statuses` for this and the others.
    """

    payment_status: str
    fulfilment_status: str
    return_status: str
    authorised_minor: int
    captured_minor: int
    refunded_minor: int
    kept_minor: int
    attention: str | None


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Which orders, and in what order; `needs_attention` selects those that need a person.

    Raises:
        InvalidValue: totals are to be compared without a currency.
    """

    conditions: OrderFilter
    needs_attention: bool = False
    sort: OrderSort = OrderSort.LATEST

    def __post_init__(self) -> None:
        """Refuse an order that would say nothing."""
        if self.sort.is_by_total and self.conditions.currency is None:
            raise InvalidValue("currency", "is needed to sort by totals")


async def list_with_statuses(
    pool: Pool, query: OrderQuery, limit: int, cursor: str | None
) -> Page[ListedOrder]:
    """A page of orders. Raises InvalidCursor for a cursor of another listing."""
    conditions = query.conditions
    if query.needs_attention:
        needing = await orders_needing_attention(pool)
        conditions = replace(conditions, order_ids=tuple(needing))
    page = await list_orders(pool, conditions, query.sort, limit=limit, cursor=cursor)
    order_ids = [row.order_id for row in page.items]
    why = await orders_needing_attention(pool, order_ids)
    statuses = await statuses_by_order(pool, order_ids)
    rows = tuple(
        ListedOrder(
            **asdict(row), **asdict(statuses[row.order_id]), attention=why.get(row.order_id)
        )
        for row in page.items
    )
    return Page(rows, page.next_cursor)
