"""The sender with a receiver that answers as it should."""

import asyncio
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
from structlog.testing import capture_logs

from adapters.notifications.cloud_events import LogSink
from eventstore.model import Metadata
from eventstore.postgres.store import PostgresEventStore
from ordersaga.daemons.notifier import Notifier, SendLimits
from projections.outbox import outbox
from tests.support.stack.stack import until
from tests.support.stores.notifications import (
    COMPLETED,
    PACE,
    QUICK,
    SUBMITTED,
    catch_up,
    rows,
    sending,
    settled,
)
from tests.support.stores.read_models import SECRET_NAME, Order, append_events
from tests.support.stores.webhooks import Receiver, hang

# Nothing is sent a second time because the machine is busy.
PATIENT = replace(PACE, timeout_s=60.0)


async def test_events_arrive_once_signed_and_in_the_order_of_each_order(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    for number in range(12):
        await append_events(store, *Order(f"A{number}").completed())
    await catch_up(pool, store)
    async with sending(pool, receiver, send_limits=PATIENT):
        await settled(pool)
    assert receiver.repetitions() == 0
    for number in range(12):
        assert receiver.types(f"A{number}") == [SUBMITTED, COMPLETED]


async def test_what_arrives_is_a_cloud_event_with_its_trace(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    metadata = Metadata("order-A1", "run-1/5", "saga", traceparent=trace)
    position = await append_events(store, Order("A1").submit(), metadata=metadata)
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
        "data": {
            "total_minor": 4034,
            "currency": "GBP",
            "pieces": 8,
            "gift_card_minor": 0,
        },
    }
    assert not re.search(f"{'|'.join(SECRET_NAME.split())}|Hidden|LS99|tok_", body.decode())


async def test_a_slow_answer_delays_no_other_order(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await append_events(store, Order("SLOW").submit())
    await append_events(store, *Order("A1").completed())
    await catch_up(pool, store)
    go_on = asyncio.Event()

    async def slowly() -> int:
        await go_on.wait()
        return 204

    receiver.answers.append(slowly)
    async with sending(
        pool, receiver, send_limits=SendLimits(at_once=2, timeout_s=60, idle_s=0.02)
    ):
        await until(lambda: len(receiver.accepted) == 2)
        assert receiver.types("A1") == [SUBMITTED, COMPLETED]
        go_on.set()
        await settled(pool)
    assert receiver.types("SLOW") == [SUBMITTED]


async def test_two_senders_send_each_event_once(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    for number in range(40):
        await append_events(store, *Order(f"A{number}").completed())
    await catch_up(pool, store)
    async with (
        sending(pool, receiver, send_limits=PATIENT),
        sending(pool, receiver, send_limits=PATIENT),
    ):
        await settled(pool)
    assert len(receiver.accepted) == 80
    assert receiver.repetitions() == 0
    for number in range(40):
        assert receiver.types(f"A{number}") == [SUBMITTED, COMPLETED]


async def test_a_lost_answer_is_sent_again_with_the_same_id(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await append_events(store, Order("A1").submit())
    await catch_up(pool, store)
    (lost,) = await outbox.lease(pool, 1, timedelta(0))  # a sender that was killed after sending
    async with sending(pool, receiver):
        await settled(pool)
    assert [event["id"] for event in receiver.accepted] == [str(lost.id)]
    assert (await rows(pool))["A1 order.submitted"] == ("delivered", 2, None)


async def test_current_sends_are_finished_at_the_stop(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await append_events(store, Order("A1").submit())
    await catch_up(pool, store)
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> int:
        arrived.set()
        await go_on.wait()
        return 204

    receiver.answers.append(slowly)
    async with sending(pool, receiver, send_limits=SendLimits(timeout_s=20, idle_s=0.02)):
        await arrived.wait()
        asyncio.get_running_loop().call_later(0.1, go_on.set)
    assert (await rows(pool))["A1 order.submitted"] == ("delivered", 1, None)


async def test_a_send_that_does_not_finish_at_the_stop_keeps_its_lease(
    pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await append_events(store, Order("A1").submit())
    await catch_up(pool, store)
    arrived = asyncio.Event()

    async def never() -> int:
        arrived.set()
        return await hang()

    receiver.answers.append(never)
    async with sending(
        pool, receiver, send_limits=SendLimits(timeout_s=20, idle_s=0.02, drain_s=0.05)
    ):
        await arrived.wait()
    status = await outbox.count(pool)
    assert (status.waiting, status.leased) == (1, 1)


async def test_without_a_receiver_events_go_to_the_log(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await append_events(store, Order("A1").need_attention())
    await catch_up(pool, store)
    stop = asyncio.Event()
    with capture_logs() as lines:
        sender = Notifier(pool, LogSink(), "/shop", send_limits=PACE, limits=QUICK)
        task = asyncio.create_task(sender.run(stop))
        await settled(pool)
        stop.set()
        await task
    (event,) = [line["cloudevent"] for line in lines if "cloudevent" in line]
    assert event["type"] == "ordersaga.fulfillment.attention_required"
    assert event["data"]["waiting_for"] == "release the stock by hand"
