"""The outbox: one row per event and kind, never again by a rebuild or a replay."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from eventstore.model import BUCKETS, bucket_of
from eventstore.postgres.store import PostgresEventStore
from projections.engine import control
from projections.engine.lane import LaneWorker, StepResult
from projections.engine.projection import LIVE
from projections.errors import BackfillRefused, Stalled
from projections.operations import checking
from projections.operations import operate as operations
from projections.operations.install import install
from projections.operations.rebuild import rebuild
from projections.outbox import outbox
from projections.outbox import rules as notifications
from tests.support.stores.event_store import opened_pool
from tests.support.stores.read_models import (
    CODEC,
    SECRET_NAME,
    Order,
    append_events,
    append_raw,
    runner_of,
)

NOTIFICATIONS = notifications.PROJECTION
COMPLETED = ["order.submitted", "order.completed"]
CANCELLED = ["order.submitted", "order.cancelled"]
MINUTE = timedelta(minutes=1)


async def rows(pool: asyncpg.Pool) -> list[outbox.NotificationRow]:
    """All rows, the earliest event first."""
    page = await outbox.list_notifications(pool, limit=1000)
    return list(reversed(page.items))


async def kinds(pool: asyncpg.Pool, order_id: str) -> list[str]:
    return [row.kind for row in await rows(pool) if row.subject == order_id]


async def catch_up(pool: asyncpg.Pool, store: PostgresEventStore) -> None:
    await runner_of(pool, store, [NOTIFICATIONS]).catch_up()


async def test_events_with_a_rule_become_rows_in_the_order_of_the_feed(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    good, bad = Order("A1"), Order("B2")
    await append_events(
        store, *good.completed(), *bad.cancelled()[:4], bad.need_attention(), bad.operate()
    )
    await append_events(store, bad.cancel())
    await catch_up(pool, store)
    assert await kinds(pool, "A1") == COMPLETED
    attention = ["fulfillment.attention_required", "fulfillment.operator_acted"]
    assert await kinds(pool, "B2") == [CANCELLED[0], *attention, CANCELLED[1]]
    positions = [row.position for row in await rows(pool)]
    assert positions == sorted(positions)


async def test_no_personal_data_is_in_the_outbox(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    order = Order("A1")
    await append_events(store, *order.completed(), order.operate())
    await catch_up(pool, store)
    text = str(await pool.fetch("TABLE read_models.notifications"))
    assert "order.submitted" in text
    for personal in (*SECRET_NAME.split(), "Hidden", "LS99", "tok_secret", "17850", "grace"):
        assert personal not in text


async def test_a_row_and_the_checkpoint_are_committed_together(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await append_events(store, *Order("A1").completed())

    async def apply_and_fail(connection: Any, schema: str, batch: Any) -> None:
        await NOTIFICATIONS.apply(connection, schema, batch)
        assert await connection.fetchval("SELECT count(*) FROM read_models.notifications") == 2
        assert await outbox.lease(pool, 10, MINUTE) == []
        raise ConnectionError("the power is gone")

    failing = replace(NOTIFICATIONS, apply=apply_and_fail)
    with pytest.raises(Stalled):
        await runner_of(pool, store, [failing]).catch_up()
    assert await rows(pool) == []
    await catch_up(pool, store)
    assert await kinds(pool, "A1") == COMPLETED


async def test_two_workers_on_one_lane_write_each_row_once(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    workers = [LaneWorker(pool, store, CODEC, NOTIFICATIONS, 0, (0, BUCKETS)) for _ in range(2)]
    for number in range(10):
        await append_events(store, *Order(f"N{number}").completed())
        for worker in workers:
            while await worker.step() is not StepResult.DRAINED:
                pass
    assert [row.kind for row in await rows(pool)] == COMPLETED * 10


async def test_a_rebuild_keeps_rows_and_position(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await append_events(store, *Order("A1").completed())
    await catch_up(pool, store)
    for taken in await outbox.lease(pool, 10, MINUTE):
        await outbox.mark_delivered(pool, taken)
    before = await rows(pool)
    await rebuild(pool, store, CODEC, NOTIFICATIONS)
    await catch_up(pool, store)
    assert await rows(pool) == before
    assert [row.state for row in before] == ["delivered", "waiting"]


async def test_a_rebuild_while_paused_loses_no_later_event(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await operations.pause(pool, [NOTIFICATIONS])
    await append_events(store, *Order("A1").completed())
    await rebuild(pool, store, CODEC, NOTIFICATIONS)
    await operations.resume(pool, [NOTIFICATIONS])
    await catch_up(pool, store)
    assert await kinds(pool, "A1") == COMPLETED


async def test_a_rebuild_records_the_new_version(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await pool.execute(
        "UPDATE read_models.checkpoints SET version = 0 WHERE projection = 'notifications'"
    )
    await rebuild(pool, store, CODEC, NOTIFICATIONS)
    assert await catch_up(pool, store) is None


async def test_an_event_that_is_applied_again_adds_no_row(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await append_events(store, *Order("A1").completed())
    await catch_up(pool, store)
    before = await rows(pool)
    assert await outbox.backfill(pool) == 0
    await catch_up(pool, store)
    assert await rows(pool) == before


async def test_a_replayed_stream_is_notified_once(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    async def refuse_completed(connection: Any, schema: str, batch: Sequence[Any]) -> None:
        if any(item.stored.event_type == "OrderCompleted" for item in batch):
            raise ValueError("not today")
        await NOTIFICATIONS.apply(connection, schema, batch)

    refusing = replace(NOTIFICATIONS, apply=refuse_completed)
    await append_events(store, *Order("A1").completed())
    await runner_of(pool, store, [refusing]).catch_up()
    assert await kinds(pool, "A1") == ["order.submitted"]
    for _ in range(2):
        await operations.replay(pool, store, CODEC, NOTIFICATIONS)
        assert await kinds(pool, "A1") == COMPLETED


async def test_a_parked_stream_is_reported_by_verify_and_prevents_a_backfill(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    order = Order("A1")
    await append_raw(store, order.stream, "OrderBlessed", {})
    await append_events(store, *order.completed())
    await catch_up(pool, store)
    assert await kinds(pool, "A1") == []
    (offender,) = await checking.check(pool, store, CODEC, [NOTIFICATIONS])
    assert order.stream in offender
    with pytest.raises(BackfillRefused):
        await outbox.backfill(pool)


async def test_installed_on_a_store_with_a_history_it_starts_at_the_present(
    bare_database: str,
) -> None:
    async with opened_store_and_pool(bare_database) as (store, pool):
        await append_events(store, *Order("OLD").completed())
        await install(bare_database)
        await append_events(store, *Order("NEW").completed())
        await catch_up(pool, store)
        assert await kinds(pool, "OLD") == []
        assert await kinds(pool, "NEW") == COMPLETED
        await outbox.backfill(pool)
        await catch_up(pool, store)
        assert await kinds(pool, "OLD") == COMPLETED
        assert await kinds(pool, "NEW") == COMPLETED


@asynccontextmanager
async def opened_store_and_pool(
    url: str,
) -> AsyncIterator[tuple[PostgresEventStore, asyncpg.Pool]]:
    async with opened_pool(url) as pool:
        store = PostgresEventStore(pool)
        yield store, pool
        await store.close()


async def test_a_projection_that_lags_behind_a_second_install_misses_nothing(
    database: str, pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await append_events(store, *Order("A1").completed())
    assert await install(database) == []
    await catch_up(pool, store)
    assert await kinds(pool, "A1") == COMPLETED


async def test_a_lease_is_for_one_sender_and_ends(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    await append_events(store, Order("A1").submit())
    await catch_up(pool, store)
    (first,) = await outbox.lease(pool, 10, timedelta(0))
    (second,) = await outbox.lease(pool, 10, MINUTE)
    assert await outbox.lease(pool, 10, MINUTE) == []
    assert first.id == second.id
    assert second.attempts == 2
    assert not await outbox.mark_delivered(pool, first)
    assert not await outbox.mark_dead(pool, first, "late")
    assert not await outbox.postpone(pool, first, "late", MINUTE)
    assert await outbox.mark_delivered(pool, second)


async def test_the_next_event_of_an_order_waits_until_the_first_is_delivered_or_dead(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    order = Order("A1")
    await append_events(store, *order.completed(), order.operate())
    await append_events(store, Order("B2").submit())
    await catch_up(pool, store)
    one, other = await outbox.lease(pool, 10, MINUTE)
    assert (one.kind, other.subject) == ("order.submitted", "B2")
    await outbox.postpone(pool, one, "HTTP 500", MINUTE)
    assert await outbox.lease(pool, 10, MINUTE) == []
    await outbox.retry(pool, [one.id])
    (again,) = await outbox.lease(pool, 10, MINUTE)
    await outbox.mark_dead(pool, again, "HTTP 400")
    (completed,) = await outbox.lease(pool, 10, MINUTE)
    await outbox.mark_delivered(pool, completed)
    (acted,) = await outbox.lease(pool, 10, MINUTE)
    assert [completed.kind, acted.kind] == ["order.completed", "fulfillment.operator_acted"]


async def test_with_several_lanes_the_streams_of_an_order_stay_in_order(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    assert await operations.set_lanes(pool, NOTIFICATIONS, 2)
    order = order_over_two_lanes()
    await append_events(store, order.submit(), order.need_attention())
    late = lane_of(order.stream)
    workers = [
        LaneWorker(pool, store, CODEC, NOTIFICATIONS, n, buckets)
        for n, buckets in enumerate(control.divide(2))
    ]
    await workers[1 - late].step()
    assert await kinds(pool, order.id) == ["fulfillment.attention_required"]
    assert await outbox.lease(pool, 10, MINUTE) == []
    await workers[late].step()
    (first,) = await outbox.lease(pool, 10, MINUTE)
    assert first.kind == "order.submitted"


def lane_of(stream: str) -> int:
    return 0 if bucket_of(stream) < BUCKETS // 2 else 1


def order_over_two_lanes() -> Order:
    orders = (Order(f"L{number}") for number in range(100))
    return next(o for o in orders if lane_of(o.stream) != lane_of(f"fulfillment-{o.id}"))


@pytest.mark.parametrize("at_once", [1, 5000])
async def test_retry_affects_what_it_names_and_nothing_delivered(
    pool: asyncpg.Pool, store: PostgresEventStore, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("A1", "B2", "C3", "D4"):
        await append_events(store, Order(name).submit())
    await catch_up(pool, store)
    delivered, dead, other, leased = await outbox.lease(pool, 10, MINUTE)
    await outbox.mark_delivered(pool, delivered)
    await outbox.mark_dead(pool, dead, "HTTP 400")
    await outbox.mark_dead(pool, other, "HTTP 410")
    monkeypatch.setattr(outbox, "_RETRIED_AT_ONCE", at_once)
    assert await outbox.retry(pool, [delivered.id, leased.id, UUID(int=0)]) == []
    assert await outbox.retry(pool, subject="B2", kind="order.completed") == []
    assert await outbox.retry(pool, subject="B2") == [dead.id]
    await outbox.mark_dead(pool, (await outbox.lease(pool, 1, MINUTE))[0], "HTTP 400")
    assert set(await outbox.retry(pool)) == {dead.id, other.id}
    status = await outbox.count(pool)
    assert (status.waiting, status.leased, status.delivered, status.dead) == (3, 1, 1, 0)


async def test_listing_pages_through_all_rows(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    for number in range(5):
        await append_events(store, *Order(f"P{number}").completed())
    await catch_up(pool, store)
    seen: list[str] = []
    cursor = None
    while True:
        page = await outbox.list_notifications(pool, limit=3, cursor=cursor)
        seen += [row.id for row in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert len(seen) == len(set(seen)) == 10
    only = await outbox.list_notifications(pool, state="waiting", subject="P3")
    assert [row.kind for row in only.items] == list(reversed(COMPLETED))


async def test_only_the_live_schema_has_an_outbox(pool: asyncpg.Pool) -> None:
    rows = await pool.fetch("SELECT schemaname FROM pg_tables WHERE tablename = 'notifications'")
    assert [row["schemaname"] for row in rows] == [LIVE]
