"""Lists of orders: a filter selects the orders that show what it asks for."""

from dataclasses import asdict, replace
from itertools import combinations, product
from random import Random

import asyncpg
import pytest

from activities.aggregates import ORDER
from domain.errors import InvalidValue
from domain.ids import Sku
from domain.lines import LineShare, pieces_by_sku
from domain.order.events import DeliveryAddressChanged, ItemRemoved, OrderAmended
from domain.order.state import Draft, NoOrder
from eventstore.postgres.store import PostgresEventStore
from ordersaga.operations.order_lists import OrderQuery
from ordersaga.operations.statuses import (
    FulfilmentProgress,
    PaymentProgress,
    ReturnProgress,
    Statuses,
    statuses_by_order,
)
from projections.errors import InvalidCursor
from projections.read_models.current_orders.model import OrderFilter, OrderSort, list_orders
from projections.read_models.order_row import CurrentOrder
from projections.read_models.product_demand.model import Measure, top_products
from tests.support.stores.read_models import (
    ADDRESS,
    CODEC,
    Order,
    append_events,
    gbp,
    line_of,
    mixed_history,
    runner_of,
)

Store = PostgresEventStore


async def ids_of(pool: asyncpg.Pool, criteria: OrderFilter) -> list[str]:
    return [each.order_id for each in (await list_orders(pool, criteria, limit=200)).items]


async def products_of(store: Store, order_id: str) -> set[str]:
    """What an order consists of, by its own events."""
    state = ORDER.fold.initial
    for event in await store.read_stream(f"order-{order_id}"):
        state = ORDER.fold.evolve(state, CODEC.decode(event))
    assert not isinstance(state, NoOrder)
    order = state if isinstance(state, Draft) else state.order
    return set(pieces_by_sku(order.lines.values() if isinstance(order, Draft) else order.lines))


@pytest.fixture
async def orders(pool: asyncpg.Pool, store: Store) -> list[CurrentOrder]:
    await append_events(store, *mixed_history(Random(5), orders=60))
    await runner_of(pool, store).catch_up()
    return list((await list_orders(pool, limit=200)).items)


@pytest.fixture
async def statuses(pool: asyncpg.Pool, orders: list[CurrentOrder]) -> dict[str, Statuses]:
    """By order id, in the order of the list."""
    return await statuses_by_order(pool, [each.order_id for each in orders])


async def test_each_status_selects_the_orders_that_show_it(
    pool: asyncpg.Pool, statuses: dict[str, Statuses]
) -> None:
    for payment in PaymentProgress:
        shown = [name for name, each in statuses.items() if each.payment_status == payment]
        assert await ids_of(pool, OrderFilter(payment_status=payment)) == shown
    for fulfilment in FulfilmentProgress:
        shown = [name for name, each in statuses.items() if each.fulfilment_status == fulfilment]
        assert await ids_of(pool, OrderFilter(fulfilment_status=fulfilment)) == shown
    for returned in ReturnProgress:
        shown = [name for name, each in statuses.items() if each.return_status == returned]
        assert await ids_of(pool, OrderFilter(return_status=returned)) == shown


async def test_every_status_that_is_shown_can_be_asked_for(statuses: dict[str, Statuses]) -> None:
    payments = {each.payment_status for each in statuses.values()}
    fulfilments = {each.fulfilment_status for each in statuses.values()}
    assert payments <= set(PaymentProgress)
    assert fulfilments <= set(FulfilmentProgress)
    assert min(len(payments), len(fulfilments)) > 2


async def test_conditions_that_are_asked_for_together_all_count(
    pool: asyncpg.Pool, orders: list[CurrentOrder], statuses: dict[str, Statuses]
) -> None:
    """Any two of them, each with any value that an order of the list has."""
    shown = {each.order_id: {**asdict(each), **asdict(statuses[each.order_id])} for each in orders}
    columns = ("status", "customer_id", "reason", "currency", "country")
    conditions = [
        (name, value)
        for name in (*columns, "payment_status", "fulfilment_status", "return_status")
        for value in {order[name] for order in shown.values()} - {None}
    ]
    found = 0
    for first, second in combinations(conditions, 2):
        if first[0] == second[0]:
            continue
        expected = [
            order_id
            for order_id, order in shown.items()
            if all(order[name] == value for name, value in (first, second))
        ]
        assert await ids_of(pool, OrderFilter(**dict((first, second)))) == expected
        found += bool(expected)
    assert found > 20


async def test_a_country_selects_the_orders_that_go_there_now(
    pool: asyncpg.Pool, store: Store
) -> None:
    order = Order("moved")
    await append_events(store, order.draft(), order.submit())
    await runner_of(pool, store).catch_up()
    assert await ids_of(pool, OrderFilter(country="GB")) == ["moved"]
    elsewhere = replace(ADDRESS, country="IE", postal_code="D01 F5P2")
    await append_events(store, [(order.stream, DeliveryAddressChanged(elsewhere))])
    await runner_of(pool, store).catch_up()
    assert await ids_of(pool, OrderFilter(country="GB")) == []
    assert await ids_of(pool, OrderFilter(country="IE")) == ["moved"]


async def test_totals_are_selected_from_and_until(
    pool: asyncpg.Pool, orders: list[CurrentOrder]
) -> None:
    middle = sorted(each.total_minor for each in orders)[len(orders) // 2]
    exact = [each.order_id for each in orders if each.total_minor == middle]
    more = [each.order_id for each in orders if each.total_minor >= middle]
    assert await ids_of(pool, OrderFilter(total_from=middle, total_until=middle)) == exact
    assert await ids_of(pool, OrderFilter(total_from=middle, currency="GBP")) == more
    assert await ids_of(pool, OrderFilter(total_from=middle, currency="EUR")) == []


async def test_a_product_selects_the_orders_that_have_a_line_of_it(
    pool: asyncpg.Pool, store: Store, orders: list[CurrentOrder]
) -> None:
    products = {each.order_id: await products_of(store, each.order_id) for each in orders}
    assert {"draft", "cancelled"} < {each.status for each in orders}
    for sku in ("71053", "84029E", "22752", "POST", "none"):
        with_it = [order_id for order_id, skus in products.items() if sku in skus]
        assert await ids_of(pool, OrderFilter(sku=sku)) == with_it
        assert len(with_it) < len(orders)


async def test_a_product_whose_last_piece_was_removed_selects_the_order_no_more(
    pool: asyncpg.Pool, store: Store
) -> None:
    order = Order("less", lines=(("71053", 1, 339), ("84029E", 2, 1000)))
    left = LineShare(line_of("84029E"), Sku("84029E"), 2, gbp(2000), gbp(0))
    amended = OrderAmended((left,), gbp(2000))
    begun = (order.draft(), order.submit(), order.fall_short(), [(order.stream, amended)])
    await append_events(store, *begun)
    await runner_of(pool, store).catch_up()
    assert await ids_of(pool, OrderFilter(sku="71053")) == []
    assert await ids_of(pool, OrderFilter(sku="84029E")) == ["less"]


async def test_a_draft_is_found_by_the_products_that_it_has_now(
    pool: asyncpg.Pool, store: Store
) -> None:
    order = Order("draft", lines=(("71053", 1, 339), ("84029E", 2, 1000)))
    await append_events(store, order.draft())
    await runner_of(pool, store).catch_up()
    assert await ids_of(pool, OrderFilter(sku="71053")) == ["draft"]
    await append_events(store, [(order.stream, ItemRemoved(line_of("71053")))])
    await runner_of(pool, store).catch_up()
    assert await ids_of(pool, OrderFilter(sku="71053")) == []
    assert await ids_of(pool, OrderFilter(sku="84029E")) == ["draft"]


@pytest.mark.parametrize("sort", OrderSort)
async def test_pages_in_each_order_follow_each_other_without_a_gap(
    pool: asyncpg.Pool, orders: list[CurrentOrder], sort: OrderSort
) -> None:
    def place(each: CurrentOrder) -> tuple[object, str]:
        return each.total_minor if sort.is_by_total else each.placed_at, each.order_id

    downwards = sort in (OrderSort.LATEST, OrderSort.HIGHEST_TOTAL)
    expected = [each.order_id for each in sorted(orders, key=place, reverse=downwards)]
    seen: list[str] = []
    cursor = None
    while cursor is not None or not seen:
        page = await list_orders(pool, OrderFilter(currency="GBP"), sort, limit=7, cursor=cursor)
        seen += [each.order_id for each in page.items]
        cursor = page.next_cursor
    assert seen == expected


async def test_a_cursor_belongs_to_one_sort(pool: asyncpg.Pool, orders: list[CurrentOrder]) -> None:
    assert len(orders) > 1
    for sort, other in product(OrderSort, repeat=2):
        cursor = (await list_orders(pool, sort=sort, limit=1)).next_cursor
        if sort is other:
            assert (await list_orders(pool, sort=other, cursor=cursor)).items
        else:
            with pytest.raises(InvalidCursor):
                await list_orders(pool, sort=other, cursor=cursor)


async def test_a_cursor_of_demand_belongs_to_one_measure(
    pool: asyncpg.Pool, orders: list[CurrentOrder]
) -> None:
    for measure, other in product(Measure, repeat=2):
        cursor = (await top_products(pool, measure, limit=1)).next_cursor
        if measure is other:
            assert (await top_products(pool, other, cursor=cursor)).items
        else:
            with pytest.raises(InvalidCursor):
                await top_products(pool, other, cursor=cursor)


async def test_totals_are_sorted_within_a_currency_only() -> None:
    for sort in (OrderSort.HIGHEST_TOTAL, OrderSort.LOWEST_TOTAL):
        with pytest.raises(InvalidValue, match="currency"):
            OrderQuery(OrderFilter(), sort=sort)
        assert OrderQuery(OrderFilter(currency="GBP"), sort=sort).sort is sort
