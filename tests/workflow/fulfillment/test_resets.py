"""The button *Reset*, at every event of every course: nothing happens twice."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from tests.support.faults.traps import TrappedShop
from tests.support.sagas.long_runs import BY, PLACES, Place, Standing, bring_to, retry_if_needed
from tests.support.sagas.record_histories import PATHS, played
from tests.support.sagas.resets import effects_of, end_of, reset_everywhere
from tests.support.sagas.sagas import Handle, result, until, until_status
from tests.support.sagas.shop import running_workers

pytestmark = pytest.mark.usefixtures("few_attempts")

IN_SHORT = ("happy", "address-refused", "cancelled")
COURSES = [pytest.param(name, marks=() if name in IN_SHORT else pytest.mark.long) for name in PATHS]


@pytest.mark.parametrize("name", COURSES)
async def test_an_ended_order_stays_as_it_is_wherever_its_saga_is_reset_to(
    temporal: WorkflowEnvironment, name: str
) -> None:
    async with played(temporal, name) as (shop, handle):
        shop.payments.faults.clear()
        shop.carrier.faults.clear()
        before, ended = await effects_of(shop, name), await end_of(handle)
        tried = {}
        async for event_id, run in reset_everywhere(temporal.client, handle):
            tried[event_id] = await end_of(run)
            assert await effects_of(shop, name) == before, f"reset to event {event_id}"
    assert len(tried) >= 3
    assert {event_id: end for event_id, end in tried.items() if end != ended} == {}


@pytest.fixture
async def shop(client: Client) -> AsyncIterator[TrappedShop]:
    shop = TrappedShop()
    async with running_workers(client, shop, interceptors=[shop.traps]):
        yield shop


SHORT_PLACES = ("payment", "label", "refund_down")
RUNNING = [
    pytest.param(
        place,
        id=place.name,
        marks=() if place.name in SHORT_PLACES else pytest.mark.long,
    )
    for place in PLACES
]


@pytest.mark.parametrize("place", RUNNING)
async def test_a_running_saga_ends_as_it_would_have_wherever_it_is_reset_to(
    temporal: WorkflowEnvironment, shop: TrappedShop, place: Place
) -> None:
    standing = await bring_to(temporal, shop, place)
    tried = 0
    async for _, run in reset_everywhere(temporal.client, standing.handle):
        await until(lambda run=run: _has_begun(run))  # type: ignore[misc]  # bound at once
        tried += 1
    assert tried >= 1
    await standing.let_go()
    latest: Handle = temporal.client.get_workflow_handle(standing.handle.id)
    outcome = await _end(replace(standing, handle=latest), place)
    assert outcome["outcome"] == place.ends
    effects = await effects_of(shop, standing.order_id)
    for event in ("FulfillmentStarted", "OrderSubmitted", "OrderReserved", "FulfillmentClosed"):
        assert effects.story.count(event) <= 1
    assert len(effects.payments) <= 1
    assert len(effects.labels) <= 1
    assert effects.status == place.ends
    assert effects.stock[1] == 0


async def _has_begun(run: Any) -> bool:
    status = await run.query("status")
    return bool(status["order_id"])


async def _end(standing: Standing, place: Place) -> dict[str, Any]:
    handle = standing.handle
    if place.name == "on_hold":
        await until_status(handle, step="on_hold")
        await handle.execute_update("resume", BY)
    if place.name == "shortage":
        await until_status(handle, step="awaiting_choice")
        await handle.execute_update("choose", {**BY, "choice": "ship_available"})
    if place.name == "refused_refund":
        await retry_if_needed(standing)
    return dict(await result(handle))
