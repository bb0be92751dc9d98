"""The sender and a real receiver that refuses, fails, hangs, or is down."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from adapters.cloud_events import LogSink
from adapters.webhook_signature import parse_secrets
from adapters.webhooks import WebhookSink
from eventstore.model import Metadata
from eventstore.postgres.store import PostgresEventStore
from ordersaga.notifier import Notifier, Pace, Persistence
from projections import notifications, outbox
from tests.support.read_models import SECRET_NAME, Order, runner_of, tell
from tests.support.stack import until
from tests.support.webhooks import SECRET, Receiver, hang

QUICK = Persistence(attempts=6, first_s=0.02, longest_s=0.1)
PACE = Pace(timeout_s=0.4, idle_s=0.02, breath_s=0.02, longest_breath_s=0.1)
SUBMITTED = "ordersaga.order.submitted"
COMPLETED = "ordersaga.order.completed"


async def catch_up(pool: asyncpg.Pool, store: PostgresEventStore) -> None:
    await runner_of(pool, store, [notifications.PROJECTION]).catch_up()


@asynccontextmanager
async def sending(
    pool: asyncpg.Pool,
    receiver: Receiver,
    *,
    persistence: Persistence = QUICK,
    pace: Pace = PACE,
) -> AsyncIterator[Notifier]:
    """A sender that runs as long as the block."""
    sink = WebhookSink(receiver.url, parse_secrets(SECRET), timeout_s=pace.timeout_s)
    sender = Notifier(pool, sink, "/shop", pace=pace, persistence=persistence)
    stop = asyncio.Event()
    task = asyncio.create_task(sender.run(stop))
    try:
        yield sender
    finally:
        stop.set()
        await task
        await sink.close()


async def settled(pool: asyncpg.Pool) -> dict[str, tuple[str, int, str | None]]:
    """Wait until nothing waits; then state, attempts and last error by order and kind."""

    async def nothing_waits() -> bool:
        return (await outbox.count(pool)).waiting == 0

    await until(nothing_waits)
    return await rows(pool)


async def rows(pool: asyncpg.Pool) -> dict[str, tuple[str, int, str | None]]:
    page = await outbox.list_notifications(pool, limit=1000)
    return {
        f"{row.subject} {row.kind}": (row.state, row.attempts, row.last_error) for row in page.items
    }


async def test_events_arrive_once_signed_and_in_the_order_of_each_order(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    for number in range(12):
        await tell(store, *Order(f"A{number}").completed())
    await catch_up(pool, store)
    async with sending(pool, receiver):
        await settled(pool)
    assert receiver.repetitions() == 0
    for number in range(12):
        assert receiver.types(f"A{number}") == [SUBMITTED, COMPLETED]


async def test_what_arrives_is_a_cloud_event_with_its_trace(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    metadata = Metadata("order-A1", "run-1/5", "saga", traceparent=trace)
    position = await tell(store, Order("A1").submit(), metadata=metadata)
    await catch_up(pool, store)
    async with sending(pool, receiver):
        await settled(pool)
    ((headers, body),) = receiver.requests
    event = json.loads(body)
    recorded = (await store.read_stream("order-A1"))[0].recorded_at
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["webhook-id"] == event.pop("id")
    assert headers["traceparent"] == event["traceparent"] == trace
    assert datetime.fromisoformat(event.pop("time")).astimezone(UTC) == recorded
    assert event == {
        "specversion": "1.0",
        "source": "/shop",
        "type": SUBMITTED,
        "subject": "A1",
        "datacontenttype": "application/json",
        "dataschema": "urn:ordersaga:notification:order.submitted:1",
        "sequence": f"{position:020d}",
        "traceparent": trace,
        "data": {"total_minor": 4034, "currency": "GBP", "pieces": 8},
    }
    assert not re.search(f"{'|'.join(SECRET_NAME.split())}|Hidden|LS99|tok_", body.decode())


@pytest.mark.parametrize("status", [500, 503, 408, 425, 429, 302])
async def test_a_failure_that_may_pass_is_tried_again_under_the_same_id(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver, status: int
) -> None:
    await tell(store, Order("A1").submit())
    await catch_up(pool, store)
    receiver.answers.extend([(status, {"Location": "/elsewhere"}), status])
    async with sending(pool, receiver):
        found = await settled(pool)
    assert found == {"A1 order.submitted": ("delivered", 3, f"HTTP {status}")}
    assert len({event["id"] for event in receiver.bodies()}) == 1
    assert len(receiver.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
async def test_a_refusal_is_final_at_once_and_the_next_of_the_order_goes_on(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver, status: int
) -> None:
    await tell(store, *Order("A1").completed())
    await catch_up(pool, store)
    receiver.answers.append(status)
    async with sending(pool, receiver):
        found = await settled(pool)
    assert found["A1 order.submitted"] == ("dead", 1, f"HTTP {status}")
    assert found["A1 order.completed"] == ("delivered", 1, None)


async def test_after_the_last_attempt_it_is_dead_until_somebody_retries_it(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await tell(store, Order("A1").submit())
    await catch_up(pool, store)
    receiver.usual = 500
    async with sending(pool, receiver):
        found = await settled(pool)
        assert found == {"A1 order.submitted": ("dead", QUICK.attempts, "HTTP 500")}
        assert len(receiver.requests) == QUICK.attempts
        receiver.usual = 200
        assert len(await outbox.retry(pool)) == 1
        found = await settled(pool)
    assert found["A1 order.submitted"][:2] == ("delivered", 1)
    assert len({event["id"] for event in receiver.bodies()}) == 1


async def test_an_order_that_fails_holds_back_its_own_later_events_only(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await tell(store, *Order("BAD").completed())
    await tell(store, *Order("GOOD").completed())
    await catch_up(pool, store)
    patient = Persistence(attempts=6, first_s=3600.0)
    receiver.answers.append(500)
    one_at_a_time = Pace(at_once=1, timeout_s=0.4, idle_s=0.02)

    async def good_is_told() -> bool:
        return len(receiver.types("GOOD")) == 2

    async with sending(pool, receiver, persistence=patient, pace=one_at_a_time):
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


async def test_an_answer_that_takes_long_holds_up_no_other_order(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await tell(store, Order("SLOW").submit())
    await tell(store, *Order("A1").completed())
    await catch_up(pool, store)
    go_on = asyncio.Event()

    async def slowly() -> int:
        await go_on.wait()
        return 204

    receiver.answers.append(slowly)
    async with sending(pool, receiver, pace=Pace(at_once=2, timeout_s=60, idle_s=0.02)):
        await until(lambda: len(receiver.accepted) == 2)
        assert receiver.types("A1") == [SUBMITTED, COMPLETED]
        go_on.set()
        await settled(pool)
    assert receiver.types("SLOW") == [SUBMITTED]


async def test_a_receiver_that_hangs_is_given_up_and_tried_again(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await tell(store, Order("A1").submit())
    await catch_up(pool, store)
    receiver.answers.append(hang)
    async with sending(pool, receiver):
        found = await settled(pool)
    state, attempts, error = found["A1 order.submitted"]
    assert (state, attempts) == ("delivered", 2)
    assert "Timeout" in str(error)


async def test_a_receiver_that_is_down_for_a_while_gets_everything_afterwards(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await receiver.stop()
    for number in range(5):
        await tell(store, *Order(f"A{number}").completed())
    await catch_up(pool, store)

    async def noticed() -> bool:
        return (await outbox.count(pool)).retrying > 0

    patient = Persistence(attempts=1000, first_s=0.02, longest_s=0.1)
    async with sending(pool, receiver, persistence=patient) as sender:
        await until(noticed)
        assert sender.problems() == ()
        await receiver.start()
        found = await settled(pool)
    assert {state for state, _, _ in found.values()} == {"delivered"}
    assert {error for _, _, error in found.values()} <= {None, "ClientConnectorError"}
    for number in range(5):
        assert receiver.types(f"A{number}") == [SUBMITTED, COMPLETED]


async def test_a_receiver_that_fails_is_left_alone_for_a_while(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    for number in range(30):
        await tell(store, Order(f"A{number}").submit())
    await catch_up(pool, store)
    receiver.usual = 503
    breath = Pace(at_once=1, timeout_s=0.4, idle_s=0.02, tolerated=3, breath_s=3600.0)

    async def three_failed() -> bool:
        return (await outbox.count(pool)).retrying == 3

    async with sending(pool, receiver, pace=breath, persistence=Persistence(first_s=3600.0)):
        await until(three_failed)
        await asyncio.sleep(0.2)
    assert len(receiver.requests) == 3


async def test_the_receiver_can_ask_for_a_pause(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await tell(store, Order("A1").submit())
    await catch_up(pool, store)
    receiver.answers.append((429, {"Retry-After": "120"}))

    async def postponed() -> bool:
        return (await outbox.count(pool)).retrying == 1

    async with sending(pool, receiver):
        await until(postponed)
    due = await pool.fetchval("SELECT due_at - now() FROM read_models.notifications")
    assert timedelta(seconds=60) < due <= timedelta(seconds=120)


async def test_two_senders_send_each_event_once(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    for number in range(40):
        await tell(store, *Order(f"A{number}").completed())
    await catch_up(pool, store)
    async with sending(pool, receiver), sending(pool, receiver):
        await settled(pool)
    assert len(receiver.accepted) == 80
    assert receiver.repetitions() == 0
    for number in range(40):
        assert receiver.types(f"A{number}") == [SUBMITTED, COMPLETED]


async def test_what_waited_too_long_is_not_sent(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await tell(store, Order("OLD").submit())
    await catch_up(pool, store)
    await pool.execute(
        "UPDATE read_models.notifications SET waiting_since = now() - interval '8 days'"
    )
    await tell(store, Order("NEW").submit())
    await catch_up(pool, store)
    async with sending(pool, receiver):
        found = await settled(pool)
        assert found["OLD order.submitted"][0] == "dead"
        assert [event["subject"] for event in receiver.accepted] == ["NEW"]
        await outbox.retry(pool, subject="OLD")
        await settled(pool)
    assert [event["subject"] for event in receiver.accepted] == ["NEW", "OLD"]


async def test_a_wrong_secret_ends_in_dead_letters_not_in_acceptance(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    stranger = Receiver("whsec_" + "QUJD" * 8)
    await stranger.start()
    await tell(store, Order("A1").submit())
    await catch_up(pool, store)
    async with sending(pool, stranger):
        found = await settled(pool)
    await stranger.stop()
    assert found == {"A1 order.submitted": ("dead", 1, "HTTP 401")}
    assert stranger.accepted == []


async def test_a_lost_answer_is_sent_again_with_the_same_id(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await tell(store, Order("A1").submit())
    await catch_up(pool, store)
    (lost,) = await outbox.take(pool, 1, timedelta(0))  # a sender that was killed after sending
    async with sending(pool, receiver):
        await settled(pool)
    assert [event["id"] for event in receiver.accepted] == [str(lost.id)]
    assert (await rows(pool))["A1 order.submitted"] == ("delivered", 2, None)


async def test_what_is_under_way_is_finished_at_the_stop(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await tell(store, Order("A1").submit())
    await catch_up(pool, store)
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> int:
        arrived.set()
        await go_on.wait()
        return 204

    receiver.answers.append(slowly)
    async with sending(pool, receiver, pace=Pace(timeout_s=20, idle_s=0.02)):
        await arrived.wait()
        asyncio.get_running_loop().call_later(0.1, go_on.set)
    assert (await rows(pool))["A1 order.submitted"] == ("delivered", 1, None)


async def test_what_does_not_finish_at_the_stop_is_left_to_its_lease(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await tell(store, Order("A1").submit())
    await catch_up(pool, store)
    arrived = asyncio.Event()

    async def never() -> int:
        arrived.set()
        return await hang()

    receiver.answers.append(never)
    async with sending(pool, receiver, pace=Pace(timeout_s=20, idle_s=0.02, drain_s=0.05)):
        await arrived.wait()
    found = await outbox.count(pool)
    assert (found.waiting, found.leased) == (1, 1)


async def test_without_a_receiver_events_go_to_the_log(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await tell(store, Order("A1").get_stuck())
    await catch_up(pool, store)
    stop = asyncio.Event()
    with capture_logs() as lines:
        sender = Notifier(pool, LogSink(), "/shop", pace=PACE, persistence=QUICK)
        task = asyncio.create_task(sender.run(stop))
        await settled(pool)
        stop.set()
        await task
    (event,) = [line["cloudevent"] for line in lines if "cloudevent" in line]
    assert event["type"] == "ordersaga.fulfillment.attention_required"
    assert event["data"]["waiting_for"] == "release the stock by hand"


async def test_logs_and_rows_show_neither_the_address_nor_what_the_receiver_said(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await tell(store, Order("A1").submit())
    await tell(store, Order("B2").submit())
    await catch_up(pool, store)
    receiver.answers.extend([500, 400, hang])
    with capture_logs() as lines:
        async with sending(pool, receiver):
            await settled(pool)
    shown = str(lines) + str(await pool.fetch("TABLE read_models.notifications"))
    assert {line["event"] for line in lines} >= {"notification postponed", "notification dead"}
    for hidden in ("in-the-url", "no!", SECRET, str(receiver.port)):
        assert hidden not in shown


async def test_a_database_that_is_away_is_waited_for(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await tell(store, Order("A1").submit())
    await catch_up(pool, store)
    await pool.execute("ALTER TABLE read_models.notifications RENAME TO gone")

    async with sending(pool, receiver) as sender:
        await until(lambda: bool(sender.problems()))
        await pool.execute("ALTER TABLE read_models.gone RENAME TO notifications")
        await settled(pool)
        await until(lambda: not sender.problems())
    assert receiver.types() == [SUBMITTED]


@pytest.mark.parametrize("attempts", [1, 2, 7, 30, 10_000])
def test_the_wait_doubles_with_jitter_up_to_a_bound(attempts: int) -> None:
    persistence = Persistence(first_s=5.0, longest_s=3600.0)
    whole = min(5.0 * 2.0 ** (attempts - 1), 3600.0) if attempts < 100 else 3600.0
    waits = [persistence.delay(attempts).total_seconds() for _ in range(200)]
    assert all(whole / 2 <= wait <= whole + 0.001 for wait in waits)
    assert len(set(waits)) > 100
    assert persistence.delay(attempts, wish_s=7200.0) == timedelta(seconds=7200)


def test_by_default_a_receiver_has_days_to_come_back() -> None:
    default: Any = Persistence()
    shortest = sum(default.delay(attempt).total_seconds() for attempt in range(1, default.attempts))
    assert shortest > timedelta(days=1.5).total_seconds()
