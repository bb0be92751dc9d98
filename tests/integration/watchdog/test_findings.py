"""The table of findings: each look replaces it, and each finding is notified once."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import asyncpg

from domain.ids import OrderId
from ordersaga.findings import table
from ordersaga.findings.attention import orders_needing_attention
from ordersaga.findings.observation import Kind, Observation
from projections.outbox.outbox import list_notifications

ME, ANOTHER = uuid4(), uuid4()
LEASE = timedelta(minutes=1)
AWAY = Observation(Kind.NO_SAGA, "order-A1", "open", "`recover`", OrderId("A1"))
PAUSED = Observation(Kind.PAUSED, "order-B2", "paused", "`unpause`", OrderId("B2"), "run-1")
QUEUE = Observation(Kind.NO_WORKERS, "payments", "tasks wait", "`worker payments`")
ALL = [AWAY, PAUSED, QUEUE]
SUBJECTS = [seen.subject for seen in ALL]


async def keep(pool: asyncpg.Pool, *holding: Observation, looked_at: list[str] = SUBJECTS) -> None:
    assert await table.take_watch(pool, ME, LEASE)
    assert await table.replace(pool, ME, looked_at, holding, None)


async def subjects(pool: asyncpg.Pool) -> list[str]:
    return sorted(finding.subject for finding in await table.list_findings(pool))


async def notified(pool: asyncpg.Pool) -> list[str]:
    return sorted(row.subject for row in (await list_notifications(pool)).items)


async def test_a_finding_that_lasts_keeps_its_beginning_and_is_notified_once(
    pool: asyncpg.Pool,
) -> None:
    await keep(pool, *ALL)
    first = {finding.subject: finding for finding in await table.list_findings(pool)}
    await keep(pool, *[replace(seen, detail="still") for seen in ALL])
    for finding in await table.list_findings(pool):
        assert finding.first_seen == first[finding.subject].first_seen
        assert finding.last_seen > first[finding.subject].last_seen
        assert (finding.detail, finding.notification) == ("still", "waiting")
    assert await notified(pool) == ["A1", "B2", "payments"]


async def test_a_finding_that_is_gone_disappears_and_is_notified_again_when_it_is_back(
    pool: asyncpg.Pool,
) -> None:
    await keep(pool, *ALL)
    await keep(pool, QUEUE)
    assert await subjects(pool) == ["payments"]
    await keep(pool, AWAY, QUEUE)
    assert await notified(pool) == ["A1", "A1", "B2", "payments"]


async def test_another_kind_about_the_same_order_takes_its_place(pool: asyncpg.Pool) -> None:
    await keep(pool, AWAY)
    await keep(pool, replace(AWAY, kind=Kind.TERMINATED))
    assert [finding.kind for finding in await table.list_findings(pool)] == ["saga_terminated"]


async def test_what_was_not_looked_at_stays_as_it_was(pool: asyncpg.Pool) -> None:
    await keep(pool, *ALL)
    before = {finding.subject: finding for finding in await table.list_findings(pool)}
    await keep(pool, looked_at=["order-A1"])
    assert {finding.subject: finding for finding in await table.list_findings(pool)} == {
        subject: before[subject] for subject in ("order-B2", "payments")
    }


async def test_a_watchdog_that_lost_its_watch_changes_nothing(pool: asyncpg.Pool) -> None:
    await keep(pool, *ALL)
    await table.leave_watch(pool, ME)
    assert await table.take_watch(pool, ANOTHER, LEASE)
    assert not await table.replace(pool, ME, SUBJECTS, [], None)
    assert await subjects(pool) == sorted(SUBJECTS)


async def test_one_watchdog_looks_until_it_leaves_or_its_lease_ends(pool: asyncpg.Pool) -> None:
    assert await table.take_watch(pool, ME, LEASE)
    assert not await table.take_watch(pool, ANOTHER, LEASE)
    assert await table.take_watch(pool, ME, timedelta(0))
    assert await table.take_watch(pool, ANOTHER, LEASE)
    await table.leave_watch(pool, ME)  # it has no watch to leave
    assert not await table.take_watch(pool, ME, LEASE)


async def test_the_kinds_are_counted_also_where_there_is_none(pool: asyncpg.Pool) -> None:
    await keep(pool, *ALL)
    counts = await table.count_findings(pool)
    assert set(counts) == set(Kind)
    assert {kind for kind, count in counts.items() if count} == {seen.kind for seen in ALL}


async def test_findings_that_nobody_renews_say_so(pool: asyncpg.Pool) -> None:
    assert "nobody has looked yet" in str((await table.load_watch(pool)).remark)
    await keep(pool)
    assert (await table.load_watch(pool)).remark is None
    await pool.execute("UPDATE watchdog.watch SET looked_at = now() - interval '1 hour'")
    assert "3600 s ago" in str((await table.load_watch(pool)).remark)


async def test_an_order_needs_attention_for_its_saga_or_for_a_finding(pool: asyncpg.Pool) -> None:
    await keep(pool, *ALL)
    await pool.execute(
        "INSERT INTO read_models.fulfillments (order_id, status, needs_attention, waiting_for, "
        "updated_at, version) VALUES ('B2', 'compensating', true, 'a refund', now(), 1), "
        "('C3', 'running', false, NULL, now(), 1), ('D4', 'running', true, 'x', now(), 1)"
    )
    assert await orders_needing_attention(pool) == {
        "A1": "open: `recover`",
        "B2": "a refund; paused: `unpause`",
        "D4": "x",
    }
    assert await orders_needing_attention(pool, ["A1", "C3"]) == {"A1": "open: `recover`"}
