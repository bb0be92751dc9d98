"""Lists of orders with all four statuses, the money, and why a person is needed."""

from dataclasses import asdict, dataclass, replace

from domain.errors import InvalidValue
from domain.ids import OrderId
from ordersaga.findings.attention import orders_needing_attention
from ordersaga.operations.statuses import statuses_by_order
from projections.engine.projection import Pool
from projections.paging import MOST, Page
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

    @property
    def is_empty(self) -> bool:
        """Whether it selects all orders."""
        return replace(self, sort=OrderSort.LATEST) == OrderQuery(OrderFilter())


async def find_orders(pool: Pool, query: OrderQuery, most: int) -> list[OrderId]:
    """The ids of the orders, in the order of the query; at most so many."""
    conditions, cursor = await _conditions(pool, query), None
    orders: list[OrderId] = []
    while len(orders) < most:
        page = await list_orders(
            pool, conditions, query.sort, limit=min(MOST, most - len(orders)), cursor=cursor
        )
        orders += [OrderId(row.order_id) for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    return orders


async def _conditions(pool: Pool, query: OrderQuery) -> OrderFilter:
    if not query.needs_attention:
        return query.conditions
    return replace(query.conditions, order_ids=tuple(await orders_needing_attention(pool)))


async def list_with_statuses(
    pool: Pool, query: OrderQuery, limit: int, cursor: str | None
) -> Page[ListedOrder]:
    """A page of orders. Raises InvalidCursor for a cursor of another listing."""
    conditions = await _conditions(pool, query)
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
