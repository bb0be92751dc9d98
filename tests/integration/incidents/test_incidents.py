"""What any number of processes see of a provider is one incident, begun and ended once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
import structlog
from temporalio.runtime import Runtime, TelemetryConfig

from adapters.providers.provider import Condition, Provider
from ordersaga.bootstrap.schema import migrate_all
from ordersaga.daemons.incidents import ProviderWatch
from ordersaga.incidents.table import (
    BEGUN,
    ENDED,
    Incident,
    forget_reports,
    list_incidents,
    list_views,
    providers_with_incident,
    report,
)
from projections.outbox.outbox import list_notifications
from tests.support.stores.event_store import opened_app_pool
from tests.support.stores.read_models import eventually

A, B, C = uuid4(), uuid4(), uuid4()
FAILURE = "carrier /labels: HTTP 503"
FAILS = Condition(
    "carrier",
    failing_s=12.0,
    is_incident=True,
    is_refused=False,
    failed_s=1.0,
    worked_s=None,
    works_s=None,
    failure=FAILURE,
    waiting=40,
)
WORKS = replace(
    FAILS, failing_s=None, is_incident=False, failed_s=40.0, worked_s=1.0, works_s=35.0, waiting=0
)
IDLE = replace(WORKS, failed_s=None, worked_s=None, works_s=None)


@pytest.fixture
async def pool(empty_database: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate_all(empty_database)
    async with opened_app_pool(empty_database) as pool:
        yield pool


async def only(pool: asyncpg.Pool) -> Incident:
    [incident] = await list_incidents(pool)
    return incident


async def told(pool: asyncpg.Pool) -> list[str]:
    rows = (await list_notifications(pool)).items
    assert {row.subject for row in rows} <= {"carrier", "payment provider"}
    return sorted(row.kind for row in rows)


async def later(pool: asyncpg.Pool, process: UUID) -> None:
    """Half a minute passes for what a process has reported."""
    await pool.execute(
        "UPDATE incidents.reports SET failed_at = failed_at - interval '40 s', "
        "worked_at = worked_at - interval '40 s', works_since = works_since - interval '40 s' "
        "WHERE process = $1",
        process,
    )
    await pool.execute("UPDATE incidents.incidents SET begun_at = begun_at - interval '40 s'")


async def test_sixty_reports_of_many_processes_are_one_incident_that_is_told_once(
    pool: asyncpg.Pool,
) -> None:
    with structlog.testing.capture_logs() as lines:
        await asyncio.gather(*(report(pool, uuid4(), FAILS) for _ in range(20)))
        for _ in range(2):
            await report(pool, A, FAILS)
    incident = await only(pool)
    assert (incident.provider, incident.failure, incident.ended_at) == ("carrier", FAILURE, None)
    assert await told(pool) == [BEGUN]
    assert [line["event"] for line in lines] == ["a provider fails"]
    assert await providers_with_incident(pool) == {"carrier"}


async def test_each_provider_has_its_own(pool: asyncpg.Pool) -> None:
    for provider in ("carrier", "payment provider"):
        await report(pool, A, replace(FAILS, provider=provider))
    assert {each.provider for each in await list_incidents(pool)} == {"carrier", "payment provider"}


async def test_those_that_wait_are_added_up_and_the_most_is_kept(pool: asyncpg.Pool) -> None:
    await report(pool, A, FAILS)
    await report(pool, B, replace(FAILS, waiting=20))
    await report(pool, A, replace(FAILS, waiting=1))
    incident = await only(pool)
    assert (incident.waiting, incident.most_waiting) == (21, 60)


async def test_it_ends_once_when_it_has_worked_for_a_while_and_says_when_it_began_to(
    pool: asyncpg.Pool,
) -> None:
    await report(pool, A, FAILS)
    await report(pool, B, FAILS)
    await report(pool, A, replace(WORKS, failed_s=2.0))
    assert (await only(pool)).ended_at is None  # it failed a moment ago
    await report(pool, A, WORKS)
    assert (await only(pool)).ended_at is None  # B saw it fail a moment ago
    await later(pool, B)
    with structlog.testing.capture_logs() as lines:
        await asyncio.gather(*(report(pool, process, WORKS) for process in (A, B, C)))
    incident = await only(pool)
    assert incident.ended_at is not None
    assert incident.ended_at > incident.begun_at
    assert await told(pool) == [BEGUN, ENDED]
    assert [line["event"] for line in lines] == ["a provider works again"]
    assert await providers_with_incident(pool) == set()


async def test_a_process_that_died_does_not_keep_it_open(pool: asyncpg.Pool) -> None:
    await report(pool, A, FAILS)
    await later(pool, A)
    await report(pool, B, replace(WORKS, failed_s=None))
    assert (await only(pool)).ended_at is not None


@pytest.mark.parametrize(
    "seen",
    [
        IDLE,
        replace(WORKS, worked_s=None, works_s=None),
        replace(WORKS, worked_s=90.0, works_s=99.0),
    ],
    ids=["idle", "never worked", "worked before"],
)
async def test_nobody_ends_it_who_has_not_seen_it_work_since(
    pool: asyncpg.Pool, seen: Condition
) -> None:
    await report(pool, A, FAILS)
    await later(pool, A)
    await report(pool, B, seen)
    assert (await only(pool)).ended_at is None


async def test_the_next_outage_is_another_incident(pool: asyncpg.Pool) -> None:
    await report(pool, A, FAILS)
    await report(pool, A, WORKS)
    await report(pool, A, replace(FAILS, is_refused=True, failing_s=0.0))
    latest, earlier = await list_incidents(pool)
    assert (latest.ended_at, latest.access_refused) == (None, True)
    assert earlier.ended_at is not None
    assert await told(pool) == sorted([BEGUN, ENDED, BEGUN])


# --- without an incident -------------------------------------------------------------------------


async def test_each_process_says_how_it_sees_a_provider(pool: asyncpg.Pool) -> None:
    await report(pool, A, WORKS, "worker-payments on one, process 1")
    await report(pool, B, FAILS, "worker-payments on two, process 2")
    works, fails = await list_views(pool)
    assert (works.process, works.failing_since, works.waiting) == (
        "worker-payments on one, process 1",
        None,
        0,
    )
    assert works.worked_at is not None
    assert fails.failing_since is not None
    assert (fails.failure, fails.waiting, fails.worked_at) == (FAILURE, 40, None)


async def test_a_process_that_is_gone_is_not_shown_and_then_forgotten(pool: asyncpg.Pool) -> None:
    await report(pool, A, WORKS)
    earlier = "UPDATE incidents.reports SET reported_at = reported_at - $1::interval"
    await pool.execute(earlier, timedelta(minutes=3))
    assert await list_views(pool) == []
    await forget_reports(pool)
    assert await pool.fetchval("SELECT count(*) FROM incidents.reports") == 1
    await pool.execute(earlier, timedelta(hours=1))
    await forget_reports(pool)
    assert await pool.fetchval("SELECT count(*) FROM incidents.reports") == 0


async def test_a_process_reports_what_it_has_called_and_nothing_else(pool: asyncpg.Pool) -> None:
    called, idle = Provider("payment provider"), Provider("carrier")
    async with called.calling(changes=False):
        pass
    runtime = Runtime(telemetry=TelemetryConfig())
    watch = ProviderWatch(pool, runtime, [called, idle], "worker-all")
    stop = asyncio.Event()
    running = asyncio.create_task(watch.run(stop))
    await eventually(lambda: list_views(pool))
    stop.set()
    await running
    (view,) = await list_views(pool)
    assert (view.provider, view.failing_since, view.failure) == ("payment provider", None, "")
    assert view.process.startswith("worker-all on ")
    assert view.worked_at is not None
    assert await list_incidents(pool) == []
