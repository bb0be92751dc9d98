"""Rule: only an answer about the order ends it. Whatever else fails is waited for, without a limit,
and the saga says what it waits for, since when, and what will happen."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError

from activities.failures import Trouble
from tests.support.faults.troubled_shop import SECRET, TroubledShop
from tests.support.sagas.sagas import (
    Handle,
    activities_of,
    result,
    statuses_shown,
    stocked_saga,
    until,
    until_listed_as,
    until_status,
)
from tests.support.sagas.shop import running_workers
from workers.factory import Dependencies
from workflows import policies

pytestmark = pytest.mark.usefixtures("few_attempts", "long_pauses")

BY = {"actor": "anna", "reason": "as agreed"}
MET = (Trouble.PROVIDER, Trouble.STORE, Trouble.UNEXPECTED)
HOURS = 14
"""So many attempts, with pauses that double up to an hour, take more than two hours."""
MOST_EVENTS = 60
"""An ordinary saga has 23 events."""


@pytest.fixture
def long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few attempts fill hours: each takes the server a second, however much time it skips."""
    monkeypatch.setattr(policies, "LONGEST_PAUSE", timedelta(hours=1))


@pytest.fixture
async def shop(client: Client) -> AsyncIterator[TroubledShop]:
    shop = TroubledShop()
    async with running_workers(client, shop):
        yield shop


async def until_attempts(shop: TroubledShop, most: int) -> None:
    async def reached() -> bool:
        return shop.attempts >= most

    await until(reached)


async def until_waiting(handle: Handle, trouble: Trouble) -> dict[str, Any]:
    waiting: dict[str, Any] = {}

    async def reached() -> bool:
        status = await handle.query("status")
        waiting.update(next(iter(status["waiting"]), {}))
        return bool(status["waiting"]) and waiting["trouble"] == trouble

    await until(reached)
    return waiting


async def charged_late(
    shop: TroubledShop, client: Client, trouble: Trouble, **order: Any
) -> Handle:
    """A saga that has reserved its stock, and whose charge meets a trouble."""
    shop.meet(Trouble.PROVIDER)
    _, handle = await stocked_saga(client, shop, **order)
    await until_status(handle, step="process_payment")
    shop.meet(trouble)
    await until_waiting(handle, trouble)
    return handle


@pytest.mark.parametrize("trouble", MET)
async def test_an_order_waits_for_hours_and_is_completed_when_the_trouble_is_over(
    client: Client, shop: TroubledShop, trouble: Trouble
) -> None:
    handle = await charged_late(shop, client, trouble)
    await until_attempts(shop, HOURS)
    waiting = await until_waiting(handle, trouble)
    assert waiting["failure"]
    shop.repair()
    assert (await result(handle))["outcome"] == "completed"
    assert len((await handle.fetch_history()).events) < MOST_EVENTS
    needed_a_person = bool(shop.notifications.notices)
    assert needed_a_person is (trouble is Trouble.UNEXPECTED)
    assert not (await handle.query("status"))["needs_attention"]


@pytest.mark.parametrize(
    ("trouble", "shown"),
    [
        (Trouble.PROVIDER, "waiting_for_provider"),
        (Trouble.STORE, "waiting_for_event_store"),
    ],
)
async def test_a_saga_that_waits_for_long_is_listed_as_waiting(
    client: Client, shop: TroubledShop, trouble: Trouble, shown: str
) -> None:
    handle = await charged_late(shop, client, trouble)
    await until_listed_as(handle, shown)
    shop.repair()
    await result(handle)
    assert (await statuses_shown(handle))[-1] == "completed"


async def test_refused_credentials_are_an_outage_that_is_listed_at_once(
    client: Client, shop: TroubledShop
) -> None:
    shop.refuse_access()
    _, handle = await stocked_saga(client, shop)
    waiting = await until_waiting(handle, Trouble.PROVIDER)
    assert "401" in waiting["failure"]
    await until_listed_as(handle, "waiting_for_provider")
    shop.repair()
    assert (await result(handle))["outcome"] == "completed"


async def test_an_order_that_sets_a_time_is_cancelled_by_an_outage_of_its_provider_only(
    client: Client, shop: TroubledShop
) -> None:
    handle = await charged_late(shop, client, Trouble.PROVIDER, on_outage={"cancel_after": "PT30M"})
    await until_attempts(shop, 10)
    for trouble in (Trouble.STORE, Trouble.UNEXPECTED):
        before = shop.attempts
        shop.meet(trouble)
        await until_waiting(handle, trouble)
        await until_attempts(shop, before + HOURS)
        assert not (await handle.query("status"))["turning_back"]
    shop.meet(Trouble.PROVIDER)
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "provider_outage")
    assert "0:30:00" in outcome["detail"]
    assert shop.gateway.count("confirm") == 0


@pytest.mark.parametrize(
    ("order", "ending"),
    [
        ({}, "provider_outage"),
        ({"on_outage": "wait"}, None),
        ({"on_outage": {"cancel_after": 86_400}}, None),
    ],
    ids=["silent", "wait", "longer"],
)
async def test_what_the_order_says_about_outages_counts_more_than_the_installation(
    client: Client, order: dict[str, Any], ending: str | None
) -> None:
    shop = CancellingShop()
    async with running_workers(client, shop):
        shop.meet(Trouble.PROVIDER)
        _, handle = await stocked_saga(client, shop, **order)
        if ending is None:
            await until_attempts(shop, HOURS)
            shop.repair()
        assert (await result(handle))["reason"] == ending


class CancellingShop(TroubledShop):
    """An installation that cancels orders after an outage of five minutes."""

    @property
    def dependencies(self) -> Dependencies:
        return replace(super().dependencies, cancel_after_s=300.0)


async def test_a_hold_protects_an_order_from_the_end_of_its_patience(
    client: Client, shop: TroubledShop
) -> None:
    handle = await charged_late(shop, client, Trouble.PROVIDER, on_outage={"cancel_after": 60})
    await handle.execute_update("hold", BY)
    await until_status(handle, step="on_hold")
    shop.repair()
    await handle.execute_update("resume", BY)
    assert (await result(handle))["outcome"] == "completed"


# --- operators -----------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", MET)
async def test_an_order_that_waits_can_be_cancelled(
    client: Client, shop: TroubledShop, trouble: Trouble
) -> None:
    handle = await charged_late(shop, client, trouble)
    await handle.signal("cancel", {**BY, "requested_by": "customer"})
    await until_status(handle, turning_back=True)
    shop.repair()
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "customer_request")


@pytest.mark.parametrize("trouble", MET)
async def test_a_retry_is_made_at_once(
    client: Client, shop: TroubledShop, trouble: Trouble
) -> None:
    handle = await charged_late(shop, client, trouble)
    before = await activities_of(handle)
    await handle.execute_update("retry", BY)

    async def started_again() -> bool:
        return len(await activities_of(handle)) > len(before)

    await until(started_again)
    shop.repair()
    assert (await result(handle))["outcome"] == "completed"


@pytest.mark.parametrize("trouble", MET)
async def test_a_hold_stops_a_saga_that_waits_before_its_next_step(
    client: Client, shop: TroubledShop, trouble: Trouble
) -> None:
    handle = await charged_late(shop, client, trouble)
    await handle.execute_update("hold", BY)
    shop.repair()
    await until_status(handle, step="on_hold")
    await handle.execute_update("resume", BY)
    assert (await result(handle))["outcome"] == "completed"


async def test_a_bug_calls_a_person_says_nothing_private_and_cannot_be_settled_by_hand(
    client: Client, shop: TroubledShop
) -> None:
    handle = await charged_late(shop, client, Trouble.UNEXPECTED)
    status = await until_status(handle, needs_attention=True)
    assert "unexpected ValueError" in status["attention"]
    with pytest.raises(WorkflowUpdateFailedError, match="update failed"):
        await handle.execute_update("resolve", {"actor": "anna", "note": "done by hand"})
    shop.repair()
    await handle.execute_update("retry", BY)
    assert (await result(handle))["outcome"] == "completed"
    failures = [event for event in (await handle.fetch_history()).events if event.HasField(FAILED)]
    assert SECRET not in str(failures)


FAILED = "activity_task_started_event_attributes"
