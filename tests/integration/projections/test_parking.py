"""An event that cannot be applied stops only its stream and is never lost."""

import asyncio
import dataclasses
from collections.abc import Sequence
from functools import partial

import asyncpg
import pytest
import structlog

from domain.order import events as order_events
from eventstore.postgres.store import PostgresEventStore
from projections.engine.lane import LaneOptions
from projections.engine.projection import Connection, Projection, Recorded
from projections.engine.runner import LaneDelays
from projections.errors import Stalled
from projections.operations import operate as operations
from projections.operations.status import status as lane_status
from projections.read_models.audit_log import model as audit_log
from projections.read_models.current_orders import model as current_orders
from projections.read_models.order_history import model as order_history
from tests.support.stores.read_models import (
    CODEC,
    Order,
    append_events,
    append_raw,
    caught_up,
    eventually,
    runner_of,
)

Store = PostgresEventStore
QUICK = LaneDelays(held=0.001, retry=0.001, retry_most=0.001)


def _refusing(*order_ids: str, event_class: type = order_events.OrderReserved) -> Projection:
    """`current_orders` with a bug that some orders trigger."""

    async def apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
        for item in batch:
            if isinstance(item.event, event_class) and item.stored.stream[6:] in order_ids:
                raise ZeroDivisionError("the text may hold Ann Example")
        await current_orders.PROJECTION.apply(connection, schema, batch)

    return dataclasses.replace(current_orders.PROJECTION, apply=apply)


async def _letters(pool: asyncpg.Pool) -> list[tuple[object, ...]]:
    rows = await pool.fetch(
        "SELECT stream, version, event_type, waiting FROM read_models.dead_letters"
        " WHERE projection = 'current_orders' ORDER BY position"
    )
    return [tuple(row) for row in rows]


async def _statuses(pool: asyncpg.Pool) -> dict[str, str]:
    page = await current_orders.list_orders(pool)
    return {order.order_id: order.status for order in page.items}


async def test_only_the_poisoned_streams_stop(pool: asyncpg.Pool, store: Store) -> None:
    for number in range(9):
        await append_events(store, *Order(f"A{number}").completed())
    with structlog.testing.capture_logs() as lines:
        await runner_of(pool, store, [_refusing("A2", "A7")], delays=QUICK).catch_up()
    statuses = await _statuses(pool)
    assert {statuses.pop("A2"), statuses.pop("A7")} == {"submitted"}
    assert set(statuses.values()) == {"completed"}
    letters = await _letters(pool)
    assert [letter[2:] for letter in letters if letter[0] == "order-A2"] == [
        ("OrderReserved", False),
        ("OrderProcessingStarted", True),
        ("OrderCompleted", True),
    ]
    passed_over = [line["events"] for line in lines if line["event"] == "events passed over"]
    assert sum(passed_over) == len(letters) == 6
    parked = [line for line in lines if line["event"] == "stream parked"]
    assert {line["stream"] for line in parked} == {"order-A2", "order-A7"}
    assert "Ann Example" not in repr(lines)


async def test_later_events_of_a_parked_stream_wait_with_it(
    pool: asyncpg.Pool, store: Store
) -> None:
    story = Order("A1").completed()
    await append_events(store, *story[:3])
    runner = runner_of(pool, store, [_refusing("A1")], delays=QUICK)
    await runner.catch_up()
    await append_events(store, *story[3:], *Order("B2").completed())
    await runner.catch_up()
    assert await _statuses(pool) == {"A1": "submitted", "B2": "completed"}
    assert [letter[2:] for letter in await _letters(pool)] == [
        ("OrderReserved", False),
        ("OrderProcessingStarted", True),
        ("OrderCompleted", True),
    ]
    (stream,) = (await operations.list_parked(pool, [current_orders.PROJECTION])).items
    assert (stream.stream, stream.events, stream.attempts) == ("order-A1", 3, 4)
    assert "ZeroDivisionError" in stream.error
    assert "Ann Example" not in stream.error


async def test_a_replay_applies_the_dead_letters_and_unparks_the_stream(
    pool: asyncpg.Pool, store: Store
) -> None:
    order = Order("A1")
    await append_events(store, *order.completed()[:4])
    await runner_of(pool, store, [_refusing("A1")], delays=QUICK).catch_up()
    (still,) = await operations.replay(pool, store, CODEC, _refusing("A1"))
    assert still.error is not None
    assert await _statuses(pool) == {"A1": "submitted"}
    (done,) = await operations.replay(pool, store, CODEC, current_orders.PROJECTION, "order-A1")
    assert (done.error, done.events) == (None, 2)
    assert await _statuses(pool) == {"A1": "processing"}
    assert await _letters(pool) == []
    await append_events(store, order.ship())
    await runner_of(pool, store, [current_orders.PROJECTION]).catch_up()
    assert await _statuses(pool) == {"A1": "completed"}
    assert await operations.replay(pool, store, CODEC, current_orders.PROJECTION) == []
    (lane,) = await lane_status(pool, store, [current_orders.PROJECTION])
    assert lane.parked == 0


async def test_an_unknown_event_type_is_parked_and_kept(pool: asyncpg.Pool, store: Store) -> None:
    await append_events(store, *Order("A1").completed()[:2])
    await append_raw(store, "order-A1", "OrderGiftWrapped", {"ribbon": "red"})
    await append_events(store, *Order("A1").completed()[2:], *Order("B2").completed())
    await runner_of(pool, store, delays=QUICK).catch_up()
    assert await _statuses(pool) == {"A1": "submitted", "B2": "completed"}
    assert (await _letters(pool))[0] == ("order-A1", 6, "OrderGiftWrapped", False)
    parked = (await operations.list_parked(pool, [order_history.PROJECTION])).items
    assert [(stream.stream, stream.events) for stream in parked] == [("order-A1", 4)]
    assert "OrderGiftWrapped" in parked[0].error
    seen = (await audit_log.list_audit(pool)).items
    assert "OrderGiftWrapped" in {row.event_type for row in seen}


async def test_damaged_data_is_parked_without_its_values(pool: asyncpg.Pool, store: Store) -> None:
    await append_events(store, Order("A1").draft())
    await append_raw(store, "order-A1", "OrderSubmitted", {"address": {"name": "Ann Example"}})
    await runner_of(pool, store, [current_orders.PROJECTION], delays=QUICK).catch_up()
    (stream,) = (await operations.list_parked(pool, [current_orders.PROJECTION])).items
    assert "OrderSubmitted" in stream.error
    assert "Ann" not in stream.error


async def test_a_stream_that_fails_to_apply_and_then_to_decode_is_parked_once(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *Order("A1").completed()[:4])
    await append_raw(store, "order-A1", "OrderGiftWrapped", {})
    await runner_of(pool, store, [_refusing("A1")], delays=QUICK).catch_up()
    assert [letter[2:] for letter in await _letters(pool)] == [
        ("OrderReserved", False),
        ("OrderProcessingStarted", True),
        ("OrderGiftWrapped", True),
    ]


async def test_a_database_outage_parks_nothing(pool: asyncpg.Pool, store: Store) -> None:
    await append_events(store, *Order("A1").completed())
    calls = 0

    async def apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
        nonlocal calls
        calls += 1
        if calls < 6:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        await current_orders.PROJECTION.apply(connection, schema, batch)

    shaky = dataclasses.replace(current_orders.PROJECTION, apply=apply)
    await runner_of(pool, store, [shaky], delays=QUICK).catch_up()
    assert calls == 6, "five outages were waited for, then the batch was applied"
    assert await _letters(pool) == []
    assert await _statuses(pool) == {"A1": "completed"}


def _shut_off() -> Projection:
    """`current_orders` on a database that ends every connection."""

    async def apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
        await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    return dataclasses.replace(current_orders.PROJECTION, apply=apply)


async def test_catching_up_ends_when_the_database_keeps_failing(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *Order("A1").completed())
    with pytest.raises(Stalled, match="lane 0 of projection 'current_orders'"):
        await runner_of(pool, store, [_shut_off()], delays=QUICK).catch_up()
    assert await _letters(pool) == []


async def test_health_shows_which_loop_fails(pool: asyncpg.Pool, store: Store) -> None:
    await append_events(store, *Order("A1").completed())
    stop = asyncio.Event()
    runner = runner_of(pool, store, [_shut_off(), audit_log.PROJECTION], delays=QUICK)
    running = asyncio.create_task(runner.run(stop))

    async def shown() -> bool:
        steps = {health.projection: health for health in runner.health()}
        return len(steps) == 2 and steps["current_orders"].failures > 2

    await eventually(shown)
    stop.set()
    await running
    by_name = {health.projection: health for health in runner.health()}
    failing, sound = by_name["current_orders"], by_name["audit_log"]
    assert (failing.last_step, failing.error is None) == ("failed", False)
    assert (sound.last_step, sound.failures, sound.error) == ("drained", 0, None)
    assert failing.since_s >= 0.0


async def test_workers_that_fail_at_a_lane_in_turns_both_say_so(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *Order("A1").completed())
    stop = asyncio.Event()

    async def apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
        await connection.execute("SELECT pg_sleep(0.05)")  # the other one meets a lane that is held
        await _shut_off().apply(connection, schema, batch)

    failing = dataclasses.replace(current_orders.PROJECTION, apply=apply)
    runners = [runner_of(pool, store, [failing], delays=QUICK) for _ in range(2)]
    running = [asyncio.create_task(runner.run(stop)) for runner in runners]

    async def shown() -> bool:
        lanes = [lane for runner in runners for lane in runner.health()]
        return len(lanes) == 2 and all(lane.failures > 5 for lane in lanes)

    await eventually(shown)
    stop.set()
    await asyncio.gather(*running)


async def test_a_paused_projection_does_not_move_until_it_is_resumed(
    pool: asyncpg.Pool, store: Store
) -> None:
    mine = [current_orders.PROJECTION]
    await operations.pause(pool, mine)
    await append_events(store, *Order("A1").completed())
    await runner_of(pool, store, mine).catch_up()
    assert await _statuses(pool) == {}
    (lane,) = await lane_status(pool, store, mine)
    assert (lane.paused, lane.lag_positions > 0, lane.lag_seconds > 0) == (True, True, True)
    await operations.resume(pool, mine)
    await runner_of(pool, store, mine).catch_up()
    assert await _statuses(pool) == {"A1": "completed"}
    (lane,) = await lane_status(pool, store, mine)
    assert (lane.paused, lane.lag_positions, lane.lag_seconds) == (False, 0, 0.0)


async def test_running_workers_notice_a_new_division_into_lanes(
    pool: asyncpg.Pool, store: Store
) -> None:
    mine = [current_orders.PROJECTION]
    stop = asyncio.Event()
    runner = runner_of(
        pool, store, mine, delays=LaneDelays(idle=0.02, held=0.005), options=LaneOptions(batch=5)
    )
    running = asyncio.create_task(runner.run(stop))
    for number in range(12):
        await append_events(store, *Order(f"A{number}").completed())
        if number in (4, 8):
            await eventually(partial(operations.set_lanes, pool, mine[0], number))
    await caught_up(pool, store, mine)
    stop.set()
    await running
    assert await _statuses(pool) == {f"A{number}": "completed" for number in range(12)}
    assert len(await lane_status(pool, store, mine)) == 8
