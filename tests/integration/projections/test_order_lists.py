"""Lists of orders: a filter selects the orders that show what it asks for."""

from random import Random

import asyncpg
import pytest

from eventstore.postgres.store import PostgresEventStore
from ordersaga.operations.statuses import (
    FulfilmentProgress,
    PaymentProgress,
    Statuses,
    statuses_by_order,
)
from projections.read_models.current_orders.model import OrderFilter, list_orders
from projections.read_models.order_row import CurrentOrder
from tests.support.stores.read_models import append_events, mixed_history, runner_of

Store = PostgresEventStore


async def ids_of(pool: asyncpg.Pool, criteria: OrderFilter) -> list[str]:
    return [each.order_id for each in (await list_orders(pool, criteria, limit=200)).items]


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


async def test_every_status_that_is_shown_can_be_asked_for(statuses: dict[str, Statuses]) -> None:
    payments = {each.payment_status for each in statuses.values()}
    fulfilments = {each.fulfilment_status for each in statuses.values()}
    assert payments <= set(PaymentProgress)
    assert fulfilments <= set(FulfilmentProgress)
    assert min(len(payments), len(fulfilments)) > 2


async def test_totals_are_selected_from_and_until(
    pool: asyncpg.Pool, orders: list[CurrentOrder]
) -> None:
    middle = sorted(each.total_minor for each in orders)[len(orders) // 2]
    exact = [each.order_id for each in orders if each.total_minor == middle]
    more = [each.order_id for each in orders if each.total_minor >= middle]
    assert await ids_of(pool, OrderFilter(total_from=middle, total_until=middle)) == exact
    assert await ids_of(pool, OrderFilter(total_from=middle, currency="GBP")) == more
    assert await ids_of(pool, OrderFilter(total_from=middle, currency="EUR")) == []
