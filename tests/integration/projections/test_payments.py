"""The money of orders: what is wanted, authorised, captured, refunded and kept, to the penny."""

from datetime import timedelta

import asyncpg

from domain.payment import events as payment_events
from eventstore.postgres.store import PostgresEventStore
from projections.read_models.customer_orders.model import customer_totals
from projections.read_models.payments import model as payments
from projections.read_models.payments.model import MovementFilter, PaymentFilter
from tests.support.stores.read_models import PLACED, Order, append_events, gbp, row_of, runner_of

Store = PostgresEventStore


async def _payment(pool: asyncpg.Pool, store: Store, *events: object) -> asyncpg.Record:
    await append_events(store, *([("payment-A1", event)] for event in events))
    await runner_of(pool, store).catch_up()
    (row,) = (await payments.list_payments(pool, PaymentFilter())).items
    return row


async def test_authorised_captured_and_refunded_in_parts(pool: asyncpg.Pool, store: Store) -> None:
    order = Order("A1").oid
    row = await _payment(
        pool, store, payment_events.PaymentAuthorised(order, gbp(1000), "pay-1", "key-1")
    )
    assert (row.status, row.authorised_minor, row.captured_minor) == ("authorised", 1000, 0)
    row = await _payment(
        pool, store, payment_events.PaymentCaptured(order, gbp(900), "pay-1", "key-1")
    )
    assert (row.status, row.authorised_minor, row.kept_minor) == ("captured", 0, 900)
    row = await _payment(
        pool, store, payment_events.PaymentRefunded(order, gbp(400), "pay-1", "refund-1")
    )
    assert (row.status, row.refunded_minor, row.kept_minor) == ("partly_refunded", 400, 500)
    row = await _payment(
        pool, store, payment_events.PaymentRefunded(order, gbp(500), "pay-1", "refund-2")
    )
    assert (row.status, row.refunded_minor, row.kept_minor) == ("refunded", 900, 0)


async def test_a_decline_and_a_void_hold_no_money(pool: asyncpg.Pool, store: Store) -> None:
    order = Order("A1").oid
    row = await _payment(
        pool, store, payment_events.PaymentDeclined(order, gbp(1000), "no_funds", "key-1")
    )
    assert (row.status, row.decline_code, row.kept_minor) == ("declined", "no_funds", 0)
    row = await _payment(
        pool,
        store,
        payment_events.PaymentAuthorised(order, gbp(1000), "pay-2", "key-2"),
        payment_events.PaymentVoided(order, gbp(1000), "pay-2"),
    )
    assert (row.status, row.authorised_minor, row.captured_minor) == ("voided", 0, 0)


async def test_a_prepared_payment_is_unpaid_and_a_lapsed_one_holds_no_money(
    pool: asyncpg.Pool, store: Store
) -> None:
    order = Order("A1").oid
    row = await _payment(
        pool, store, payment_events.PaymentPrepared(order, gbp(1000), "pay-1", "key-1")
    )
    assert (row.status, row.reference, row.authorised_minor) == ("unpaid", "pay-1", 0)
    row = await _payment(
        pool,
        store,
        payment_events.PaymentAuthorised(order, gbp(1000), "pay-1", "key-1"),
        payment_events.PaymentExpired(order, gbp(1000), "pay-1"),
    )
    assert (row.status, row.authorised_minor, row.kept_minor) == ("expired", 0, 0)
    moved = (await payments.list_movements(pool, MovementFilter())).items
    assert [each.kind for each in moved] == ["authorised", "expired"]


async def test_a_refund_counts_once_it_has_succeeded_and_no_more_once_it_came_back(
    pool: asyncpg.Pool, store: Store
) -> None:
    order = Order("A1").oid
    first, second = (order, gbp(300), "pay-1", "re-1"), (order, gbp(200), "pay-1", "re-2")
    seen = []
    for event in (
        payment_events.PaymentCaptured(order, gbp(900), "pay-1", "key-1"),
        payment_events.RefundPending(*first, "id-1"),
        payment_events.RefundPending(*second, "id-2"),
        payment_events.RefundFailed(*second, "lost_card"),
        payment_events.PaymentRefunded(*first),
        payment_events.RefundReversed(*first, "closed_account"),
    ):
        row = await _payment(pool, store, event)
        seen.append((row.status, row.refunded_minor, row.pending_minor, row.kept_minor))
        days = await payments.money_by_day(pool)
        assert sum(day.refunded_minor for day in days) == row.refunded_minor
    assert seen == [
        ("captured", 0, 0, 900),
        ("refund_pending", 0, 300, 900),
        ("refund_pending", 0, 500, 900),
        ("refund_pending", 0, 300, 900),
        ("partly_refunded", 300, 0, 600),
        ("captured", 0, 0, 900),
    ]


async def test_sums_equal_the_movements_whatever_happened(pool: asyncpg.Pool, store: Store) -> None:
    await append_events(
        store, *Order("A1").completed(), *Order("A2", placed=PLACED + timedelta(days=1)).cancelled()
    )
    refund = payment_events.PaymentRefunded(Order("A1").oid, gbp(34), "pay-A1", "refund-1")
    await append_events(store, [("payment-A1", refund)])
    await runner_of(pool, store).catch_up()
    moved = (await payments.list_movements(pool, MovementFilter())).items
    captured = sum(each.amount_minor for each in moved if each.kind == "captured")
    refunded = sum(each.amount_minor for each in moved if each.kind == "refunded")
    (day,) = await payments.money_by_day(pool)
    assert (day.captured_minor, day.refunded_minor) == (captured, refunded)
    assert day.kept_minor == captured - refunded
    rows = (await payments.list_payments(pool, PaymentFilter())).items
    assert sum(row.kept_minor for row in rows) == day.kept_minor
    assert {row.order_id: row.wanted_minor for row in rows}["A1"] == day.wanted_minor


async def test_a_customer_s_totals_know_refunds(pool: asyncpg.Pool, store: Store) -> None:
    await append_events(store, *Order("A1", "C1").completed())
    refund = payment_events.PaymentRefunded(Order("A1").oid, gbp(1000), "pay-A1", "refund-1")
    await append_events(store, [("payment-A1", refund)])
    await runner_of(pool, store).catch_up()
    (totals,) = await customer_totals(pool, "C1")
    assert (totals.captured_minor, totals.refunded_minor) == (4034, 1000)
    assert totals.kept_minor == 3034


async def test_the_audit_says_which_act_and_with_what(pool: asyncpg.Pool, store: Store) -> None:
    await append_events(store, *Order("A1").completed())
    await runner_of(pool, store).catch_up()
    captured = await row_of(pool, "audit_log", event_type="PaymentCaptured")
    assert captured is not None
    assert "amount=4034 GBP" in captured.details
    assert "reference=pay-A1" in captured.details
