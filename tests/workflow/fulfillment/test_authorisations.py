"""The watch over an authorisation goes on in a new run: a person is called once, and is called."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from adapters.providers.faults import Fault, FaultKind
from adapters.providers.payment_rules import HELD_FOR
from tests.support.faults.traps import Trap, TrappedShop, store_is_down
from tests.support.sagas.long_runs import SCAN, Standing, fill, until_it_runs_anew_or_ends
from tests.support.sagas.sagas import Handle, new_order_id, result, start, until, until_status
from tests.support.sagas.shop import document, running_workers
from workflows import policies
from workflows.fulfillment.authorisation import AUTHORISATION

pytestmark = pytest.mark.usefixtures("few_attempts")
BY = {"actor": "anna", "reason": "the carrier answers again"}


@pytest.fixture
async def shop(client: Client) -> AsyncIterator[TrappedShop]:
    """A shop whose authorisations lapse, and whose carrier does not answer."""
    shop = TrappedShop()
    shop.payments.clock = lambda: datetime.now(UTC)
    async with running_workers(client, shop, interceptors=[shop.traps]):
        yield shop


@pytest.fixture
def called_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person is called long before the authorisation lapses: after few attempts at a label."""
    monkeypatch.setattr(policies, "CALL_BEFORE_LAPSE", HELD_FOR - timedelta(minutes=15))


async def unshipped(client: Client, shop: TrappedShop, order_id: str) -> Standing:
    """An order whose payment is authorised, and whose label cannot be bought yet."""
    away = shop.carrier.faults.add(Fault(FaultKind.UNAVAILABLE, operation="buy_label"))
    await shop.receive(f"{order_id}-sku", 10)
    content = document(order_id, payment={"token": "tok_visa", "capture": "on_shipment"})
    handle = await start(client, order_id, content)
    await until_status(handle, step="create_shipment")

    async def let_go() -> None:
        shop.carrier.faults.remove(away.number)

    return Standing(order_id, handle, let_go)


async def until_waiting_for(handle: Handle, activity: str) -> None:
    async def waits() -> bool:
        return activity in [one["activity"] for one in (await handle.query("status"))["waiting"]]

    await until(waits)


async def until_called(shop: TrappedShop, order_id: str) -> None:
    async def called() -> bool:
        return "AttentionRequired" in await shop.story(order_id)

    await until(called)


async def goes_on_as_a_new_run(standing: Standing, patch: pytest.MonkeyPatch) -> None:
    first = await standing.run_id()
    await fill(standing.handle, patch)
    await standing.handle.signal("carrier_update", SCAN)
    assert await until_it_runs_anew_or_ends(standing, first)
    patch.setattr(policies, "MOST_EVENTS", 2_000)


async def require_shipped_after_one_call(shop: TrappedShop, standing: Standing) -> None:
    status = await until_status(standing.handle, needs_attention=True)
    assert "lapses at" in status["attention"]
    await standing.let_go()
    assert (await result(standing.handle))["outcome"] == "completed"
    assert not (await standing.handle.query("status"))["needs_attention"]
    assert (await shop.story(standing.order_id)).count("AttentionRequired") == 1


@pytest.mark.usefixtures("called_soon")
async def test_a_person_who_was_called_is_not_called_again_by_the_next_run(
    client: Client, shop: TrappedShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing = await unshipped(client, shop, new_order_id())
    await until_called(shop, standing.order_id)
    await goes_on_as_a_new_run(standing, monkeypatch)
    await require_shipped_after_one_call(shop, standing)


@pytest.mark.usefixtures("called_soon")
async def test_a_call_that_a_full_run_cuts_off_is_made_by_the_next(
    client: Client, shop: TrappedShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = new_order_id()
    away = Trap(f"order-{order_id}", "record-attention", "append", None, store_is_down)
    shop.traps.set.append(away)
    standing = await unshipped(client, shop, order_id)
    await until_waiting_for(standing.handle, "record_attention")
    await goes_on_as_a_new_run(standing, monkeypatch)
    assert "AttentionRequired" not in await shop.story(order_id)
    away.released.set()
    await until_called(shop, order_id)
    await require_shipped_after_one_call(shop, standing)


async def test_an_authorisation_that_lapses_later_is_watched_by_the_next_run(
    temporal: WorkflowEnvironment, shop: TrappedShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with temporal.with_time_skipping_disabled():
        standing = await unshipped(temporal.client, shop, new_order_id())
        await until_waiting_for(standing.handle, "create_shipment")
        await goes_on_as_a_new_run(standing, monkeypatch)
    await until_waiting_for(standing.handle, "create_shipment")
    status = await standing.handle.query("status")
    assert (status["needs_attention"], AUTHORISATION in str(status["attention"])) == (False, False)
    until_call = HELD_FOR - policies.CALL_BEFORE_LAPSE
    [left] = [one for one in await _timers(standing) if one > timedelta(days=1)]
    assert until_call - timedelta(hours=1) < left <= until_call
    await standing.let_go()
    await standing.handle.execute_update("retry", BY)
    assert (await result(standing.handle))["outcome"] == "completed"
    assert "AttentionRequired" not in await shop.story(standing.order_id)


async def _timers(standing: Standing) -> list[timedelta]:
    """How long the timers of the present run were to last."""
    history = await standing.handle.fetch_history()
    return [
        event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
        for event in history.events
        if event.HasField("timer_started_event_attributes")
    ]
