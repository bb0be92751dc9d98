"""The watch over an authorisation: somebody is asked or called once, also across runs."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.payment_port import PaymentStatus
from adapters.providers.faults import Fault, FaultKind
from adapters.providers.payment_rules import HELD_FOR
from domain.money import Money
from domain.payment.state import Captured
from tests.support.faults.traps import Trap, TrappedShop, store_is_down
from tests.support.sagas.long_runs import SCAN, Standing, fill, until_it_runs_anew_or_ends
from tests.support.sagas.sagas import Handle, new_order_id, result, start, until, until_status
from tests.support.sagas.shop import document, running_workers
from workflows import policies
from workflows.fulfillment.authorisation import AUTHORISATION, LAPSES

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


async def unshipped(client: Client, shop: TrappedShop, order_id: str, **payment: Any) -> Standing:
    """An order whose payment is authorised, and whose label cannot be bought yet."""
    away = shop.carrier.faults.add(Fault(FaultKind.UNAVAILABLE, operation="buy_label"))
    await shop.receive(f"{order_id}-sku", 10)
    terms = {"token": "tok_visa", "capture": "on_shipment", **payment}
    content = document(order_id, payment=terms)
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


# --- the customer is asked -----------------------------------------------------------------------

ASK = {"policy": "ask", "deadline_hours": 48}


@pytest.fixture
def asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The customer is asked as soon as a payment is authorised, without time that goes by."""
    monkeypatch.setattr(policies, "CALL_BEFORE_LAPSE", HELD_FOR + timedelta(days=1))


async def asked(
    temporal: WorkflowEnvironment, shop: TrappedShop, **payment: Any
) -> tuple[Standing, dict[str, Any]]:
    """An order that waits for its carrier, and whose customer was asked for another payment."""
    order_id = new_order_id()
    terms = {"on_decline": ASK, **payment}
    with temporal.with_time_skipping_disabled():
        standing = await unshipped(temporal.client, shop, order_id, **terms)
        status = await until_status(standing.handle, declined=LAPSES)
    return standing, status


async def theirs(shop: TrappedShop, order_id: str) -> list[PaymentStatus]:
    return [one.status async for one in shop.payments.payments() if one.order_id == order_id]


async def until_held_again(shop: TrappedShop, order_id: str) -> None:
    """Wait until another payment is authorised, and our events know it."""

    async def held() -> bool:
        return (await shop.story(order_id)).count("PaymentAuthorised") == 2

    await until(held)


@pytest.mark.usefixtures("asked_at_once")
async def test_another_payment_takes_the_place_of_one_that_lapses_soon(
    temporal: WorkflowEnvironment, shop: TrappedShop
) -> None:
    standing, status = await asked(temporal, shop)
    assert (status["step"], status["needs_attention"]) == ("create_shipment", False)
    assert {"pay", "cancel"} <= set(status["actions"])
    await standing.handle.execute_update("pay", {**BY, "token": "tok_mastercard"})
    await until_held_again(shop, standing.order_id)
    held = [PaymentStatus.VOIDED, PaymentStatus.AUTHORISED]
    assert await theirs(shop, standing.order_id) == held
    await standing.let_go()
    outcome = await result(standing.handle)
    paid = await shop.payment(standing.order_id)
    assert isinstance(paid, Captured)
    assert (outcome["outcome"], outcome["payment_reference"]) == ("completed", paid.reference)
    captured = [PaymentStatus.VOIDED, PaymentStatus.CAPTURED]
    assert await theirs(shop, standing.order_id) == captured
    assert "AttentionRequired" not in await shop.story(standing.order_id)


@pytest.mark.usefixtures("asked_at_once")
async def test_an_order_whose_label_comes_in_time_needs_no_other_payment(
    temporal: WorkflowEnvironment, shop: TrappedShop
) -> None:
    standing, _ = await asked(temporal, shop)
    await standing.let_go()
    assert (await result(standing.handle))["outcome"] == "completed"
    assert await theirs(shop, standing.order_id) == [PaymentStatus.CAPTURED]
    assert (await shop.story(standing.order_id)).count("PaymentAsked") == 1


@pytest.mark.usefixtures("asked_at_once")
async def test_another_payment_that_is_declined_is_waited_for_again(
    temporal: WorkflowEnvironment, shop: TrappedShop
) -> None:
    standing, _ = await asked(temporal, shop)
    await standing.handle.execute_update("pay", {**BY, "token": "tok_declined"})
    await until_status(standing.handle, step="awaiting_payment", declined="card_declined")
    await standing.handle.execute_update("pay", {**BY, "token": "tok_visa"})
    await until_held_again(shop, standing.order_id)
    await standing.let_go()
    assert (await result(standing.handle))["outcome"] == "completed"


@pytest.mark.usefixtures("asked_at_once")
async def test_the_next_run_goes_on_asking_and_takes_the_payment(
    temporal: WorkflowEnvironment, shop: TrappedShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing, _ = await asked(temporal, shop)
    with temporal.with_time_skipping_disabled():
        await goes_on_as_a_new_run(standing, monkeypatch)
        await until_status(standing.handle, declined=LAPSES)
        await standing.handle.execute_update("pay", {**BY, "token": "tok_mastercard"})
        await until_held_again(shop, standing.order_id)
    await standing.let_go()
    assert (await result(standing.handle))["outcome"] == "completed"


@pytest.mark.parametrize("answer", [FaultKind.DECLINED, FaultKind.EXPIRED])
@pytest.mark.parametrize("other", ["token", "confirmed"])
async def test_a_capture_that_is_refused_after_the_label_asks_for_another_payment(
    temporal: WorkflowEnvironment, shop: TrappedShop, answer: FaultKind, other: str
) -> None:
    order_id = new_order_id()
    shop.payments.faults.add(Fault(answer, "capture", order=order_id, times=1))
    await shop.receive(f"{order_id}-sku", 10)
    terms = {"token": "tok_visa", "capture": "on_shipment", "on_decline": ASK}
    with temporal.with_time_skipping_disabled():
        handle = await start(temporal.client, order_id, document(order_id, payment=terms))
        await until_status(handle, step="awaiting_payment")
    [label] = [one async for one in shop.carrier.labels() if one.order_id == order_id]
    made = shop.payments.checkout(Money(300, "GBP"))
    means = {
        "token": {"token": "tok_visa"},
        "confirmed": {"confirmed": {"reference": made.reference}},
    }
    await handle.execute_update("pay", {**BY, **means[other]})
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["tracking_number"]) == ("completed", label.tracking_number)
    statuses = await theirs(shop, order_id)
    assert (statuses.count(PaymentStatus.CAPTURED), len(statuses)) == (1, 2)
    assert PaymentStatus.AUTHORISED not in statuses


@pytest.mark.parametrize("answer", [FaultKind.DECLINED, FaultKind.EXPIRED])
async def test_an_order_whose_capture_was_refused_is_undone_if_no_other_payment_comes(
    client: Client, shop: TrappedShop, answer: FaultKind
) -> None:
    order_id = new_order_id()
    shop.payments.faults.add(Fault(answer, "capture", order=order_id))
    await shop.receive(f"{order_id}-sku", 10)
    terms = {"token": "tok_visa", "capture": "on_shipment", "on_decline": ASK}
    handle = await start(client, order_id, document(order_id, payment=terms))
    ended = await result(handle)
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "payment_declined")
    story = await shop.story(order_id)
    assert (story.count("PaymentAsked"), story.count("LabelCancelled")) == (1, 1)
    assert PaymentStatus.AUTHORISED not in await theirs(shop, order_id)


async def _timers(standing: Standing) -> list[timedelta]:
    """How long the timers of the present run were to last."""
    history = await standing.handle.fetch_history()
    return [
        event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
        for event in history.events
        if event.HasField("timer_started_event_attributes")
    ]
