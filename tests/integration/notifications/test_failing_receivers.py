"""The sender with a receiver that refuses, fails, hangs, or is down."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from eventstore.postgres.store import PostgresEventStore
from ordersaga.daemons.notifier import RetryLimits, SendLimits
from projections.outbox import outbox
from tests.support.stack.stack import until
from tests.support.stores.notifications import (
    COMPLETED,
    QUICK,
    SUBMITTED,
    catch_up,
    rows,
    sending,
    settled,
)
from tests.support.stores.read_models import Order, append_events
from tests.support.stores.webhooks import SECRET, Receiver, hang


class StoppedClock:
    """A clock that moves only when a test moves it; counts how often it is read."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls = 0

    def __call__(self) -> float:
        self.calls += 1
        return self.now


@pytest.mark.parametrize("status", [500, 503, 408, 425, 429, 302])
async def test_a_temporary_failure_is_retried_with_the_same_id(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver, status: int
) -> None:
    await append_events(store, Order("A1").submit())
    await catch_up(pool, store)
    receiver.answers.extend([(status, {"Location": "/elsewhere"}), status])
    async with sending(pool, receiver):
        outcome = await settled(pool)
    assert outcome == {"A1 order.submitted": ("delivered", 3, f"HTTP {status}")}
    assert len({event["id"] for event in receiver.bodies()}) == 1
    assert len(receiver.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
async def test_a_refusal_is_final_and_the_next_event_of_the_order_is_sent(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver, status: int
) -> None:
    await append_events(store, *Order("A1").completed())
    await catch_up(pool, store)
    receiver.answers.append(status)
    async with sending(pool, receiver):
        outcome = await settled(pool)
    assert outcome["A1 order.submitted"] == ("dead", 1, f"HTTP {status}")
    assert outcome["A1 order.completed"] == ("delivered", 1, None)


async def test_after_the_last_attempt_it_is_dead_until_an_operator_retries_it(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await append_events(store, Order("A1").submit())
    await catch_up(pool, store)
    receiver.usual = 500
    async with sending(pool, receiver):
        outcome = await settled(pool)
        assert outcome == {"A1 order.submitted": ("dead", QUICK.attempts, "HTTP 500")}
        assert len(receiver.requests) == QUICK.attempts
        receiver.usual = 200
        assert len(await outbox.retry(pool)) == 1
        outcome = await settled(pool)
    assert outcome["A1 order.submitted"][:2] == ("delivered", 1)
    assert len({event["id"] for event in receiver.bodies()}) == 1


async def test_a_failing_order_holds_back_only_its_own_later_events(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await append_events(store, *Order("BAD").completed())
    await append_events(store, *Order("GOOD").completed())
    await catch_up(pool, store)
    patient = RetryLimits(attempts=6, first_s=3600.0)
    receiver.answers.append(500)
    one_at_a_time = SendLimits(at_once=1, timeout_s=0.4, idle_s=0.02)

    async def good_is_told() -> bool:
        return len(receiver.types("GOOD")) == 2

    async with sending(pool, receiver, limits=patient, send_limits=one_at_a_time):
        await until(good_is_told)
    assert await rows(pool) == {
        "BAD order.submitted": ("waiting", 1, "HTTP 500"),
        "BAD order.completed": ("waiting", 0, None),
        "GOOD order.submitted": ("delivered", 1, None),
        "GOOD order.completed": ("delivered", 1, None),
    }
    async with sending(pool, receiver):
        await outbox.retry(pool)
        await settled(pool)
    assert receiver.types("BAD") == [SUBMITTED, COMPLETED]


async def test_a_hanging_receiver_times_out_and_is_retried(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await append_events(store, Order("A1").submit())
    await catch_up(pool, store)
    receiver.answers.append(hang)
    async with sending(pool, receiver):
        outcome = await settled(pool)
    state, attempts, error = outcome["A1 order.submitted"]
    assert (state, attempts) == ("delivered", 2)
    assert "Timeout" in str(error)


async def test_a_receiver_that_was_down_gets_everything_afterwards(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await receiver.stop()
    for number in range(5):
        await append_events(store, *Order(f"A{number}").completed())
    await catch_up(pool, store)

    async def noticed() -> bool:
        return (await outbox.count(pool)).retrying > 0

    patient = RetryLimits(attempts=1000, first_s=0.02, longest_s=0.1)
    async with sending(pool, receiver, limits=patient) as sender:
        await until(noticed)
        assert sender.problems() == ()
        await receiver.start()
        outcome = await settled(pool)
    assert {state for state, _, _ in outcome.values()} == {"delivered"}
    assert {error for _, _, error in outcome.values()} <= {None, "ClientConnectorError"}
    for number in range(5):
        assert receiver.types(f"A{number}") == [SUBMITTED, COMPLETED]


async def test_a_receiver_that_fails_is_left_alone_for_a_while(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    for number in range(30):
        await append_events(store, Order(f"A{number}").submit())
    await catch_up(pool, store)
    receiver.usual = 503
    clock = StoppedClock()
    send_limits = SendLimits(at_once=1, timeout_s=0.4, idle_s=0.02, tolerated=3, backoff_s=0.02)

    async def failed(orders: int) -> bool:
        return (await outbox.count(pool)).retrying == orders

    once = RetryLimits(first_s=3600.0)
    async with sending(pool, receiver, send_limits=send_limits, limits=once, clock=clock):
        await until(lambda: failed(3))
        looked = clock.calls
        await until(lambda: clock.calls > looked + 20)  # it woke up many times and did not send
        assert len(receiver.requests) == 3
        clock.now += 0.02
        await until(lambda: failed(4))
    assert len(receiver.requests) == 4


async def test_the_receiver_can_ask_for_a_pause(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await append_events(store, Order("A1").submit())
    await catch_up(pool, store)
    receiver.answers.append((429, {"Retry-After": "120"}))

    async def postponed() -> bool:
        return (await outbox.count(pool)).retrying == 1

    async with sending(pool, receiver):
        await until(postponed)
    due = await pool.fetchval("SELECT due_at - now() FROM read_models.notifications")
    assert timedelta(seconds=60) < due <= timedelta(seconds=120)


async def test_a_notification_that_is_too_old_is_not_sent(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await append_events(store, Order("OLD").submit())
    await catch_up(pool, store)
    await pool.execute(
        "UPDATE read_models.notifications SET waiting_since = now() - interval '8 days'"
    )
    await append_events(store, Order("NEW").submit())
    await catch_up(pool, store)
    async with sending(pool, receiver):
        outcome = await settled(pool)
        assert outcome["OLD order.submitted"][0] == "dead"
        assert [event["subject"] for event in receiver.accepted] == ["NEW"]
        await outbox.retry(pool, subject="OLD")
        await settled(pool)
    assert [event["subject"] for event in receiver.accepted] == ["NEW", "OLD"]


async def test_with_a_wrong_secret_notifications_end_as_dead(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    stranger = Receiver("whsec_" + "QUJD" * 8)
    await stranger.start()
    await append_events(store, Order("A1").submit())
    await catch_up(pool, store)
    async with sending(pool, stranger):
        outcome = await settled(pool)
    await stranger.stop()
    assert outcome == {"A1 order.submitted": ("dead", 1, "HTTP 401")}
    assert stranger.accepted == []


async def test_logs_and_rows_show_neither_the_address_nor_the_answer_of_the_receiver(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await append_events(store, Order("A1").submit())
    await append_events(store, Order("B2").submit())
    await catch_up(pool, store)
    receiver.answers.extend([500, 400, hang])
    with capture_logs() as lines:
        async with sending(pool, receiver):
            await settled(pool)
    shown = str(lines) + str(await pool.fetch("TABLE read_models.notifications"))
    assert {line["event"] for line in lines} >= {"notification postponed", "notification dead"}
    for hidden in ("in-the-url", "no!", SECRET, str(receiver.port)):
        assert hidden not in shown


async def test_the_sender_waits_for_an_unavailable_database(
    database: str, pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await append_events(store, Order("A1").submit())
    await catch_up(pool, store)
    admin = await asyncpg.connect(database)
    await admin.execute("ALTER TABLE read_models.notifications RENAME TO gone")

    async with sending(pool, receiver) as sender:
        await until(lambda: bool(sender.problems()))
        await admin.execute("ALTER TABLE read_models.gone RENAME TO notifications")
        await settled(pool)
        await until(lambda: not sender.problems())
    await admin.close()
    assert receiver.types() == [SUBMITTED]


@pytest.mark.parametrize("attempts", [1, 2, 7, 30, 10_000])
def test_the_wait_doubles_with_jitter_up_to_a_bound(attempts: int) -> None:
    limits = RetryLimits(first_s=5.0, longest_s=3600.0)
    whole = min(5.0 * 2.0 ** (attempts - 1), 3600.0) if attempts < 100 else 3600.0
    waits = [limits.delay(attempts).total_seconds() for _ in range(200)]
    assert all(whole / 2 <= wait <= whole + 0.001 for wait in waits)
    assert len(set(waits)) > 100
    assert limits.delay(attempts, retry_after_s=7200.0) == timedelta(seconds=7200)


def test_by_default_notifications_are_retried_for_days() -> None:
    default: Any = RetryLimits()
    shortest = sum(default.delay(attempt).total_seconds() for attempt in range(1, default.attempts))
    assert shortest > timedelta(days=1.5).total_seconds()
