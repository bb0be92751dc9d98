"""What somebody else has under an order's key at a provider is left alone; a person is called."""

from dataclasses import replace
from typing import Any

import pytest
from temporalio.client import Client

from activities.keys import OrderKeys
from activities.payment_port import PaymentLedger, PaymentRequest, PaymentStatus, ProviderPayment
from activities.ports import CarrierLabel, LabelRequest, ParcelItem
from adapters.providers.faults import Fault, FaultKind
from adapters.providers.payment_rules import confirm, create
from adapters.providers.rules import ServedArea, make_label
from domain.ids import OrderId
from domain.money import Money
from domain.values import Address, CaptureMode
from ordersaga.operations.verification.report import Check, Report
from ordersaga.operations.verification.run import verify
from ordersaga.operations.verification.sources import Sources
from tests.support.sagas.sagas import Handle, new_order_id, result, start, until, until_status
from tests.support.sagas.shop import Shop, document, running_workers

OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
NOTE = {"actor": "anna", "note": "it is the other shop's, and stays as it is"}
BY = {"actor": "anna", "reason": "the customer changed his mind"}
HOME = Address("Jo", "1 Lane", "Leeds", "LS1 1AA", "GB")
DIFFERS: dict[str, dict[str, Any]] = {
    "installation": {"installation": OTHER},
    "installation in another case": {"installation": "0F8FAD5B-D9CB-469F-A165-70867728950E"},
    "order": {"order_id": OrderId("1001")},
    "order in another case": {"order_id": None},
    "amount": {"asked": Money(9900, "GBP"), "amount": Money(9900, "GBP")},
    "currency": {
        "asked": Money(300, "EUR"),
        "amount": Money(300, "EUR"),
        "refunded": Money(0, "EUR"),
    },
}


def theirs_of(shop: Shop, order_id: str, capture: CaptureMode, differs: str) -> ProviderPayment:
    """A payment of somebody else under the first key of an order, at the provider."""
    ours = shop.installation.id
    key = OrderKeys(ours, OrderId(order_id)).payment
    request = PaymentRequest(OrderId(order_id), Money(300, "GBP"), "t", capture, key, ours)
    changes = dict(DIFFERS[differs])
    if changes.get("order_id", "") is None:
        changes["order_id"] = OrderId(order_id.swapcase())
    kept = confirm(create(request, {}))
    theirs = replace(kept, seen=replace(kept.seen, **changes))
    shop.payments.plant(theirs)
    return theirs.seen


async def ordered(client: Client, shop: Shop, order_id: str, **changes: Any) -> Handle:
    await shop.receive(f"{order_id}-sku", 10)
    return await start(client, order_id, document(order_id, **changes))


async def verified(shop: Shop, ledger: PaymentLedger | None = None) -> Report:
    missing = {Check.SAGAS: "not looked at", Check.READ_MODELS: "not looked at"}
    sources = Sources(
        shop.store,
        shop.codec,
        ledger or shop.payments,
        shop.carrier,
        shop.installation,
        None,
        None,
        missing,
    )
    return await verify(sources)


async def untouched(shop: Shop, theirs: ProviderPayment) -> bool:
    return await shop.payments.read(theirs.reference) == theirs


def changes_asked_for(shop: Shop) -> list[str]:
    """The changes of payments that the provider was asked for."""
    return [
        call.operation
        for call in shop.payments.calls
        if call.operation in ("capture", "void", "refund")
    ]


@pytest.mark.parametrize("capture", list(CaptureMode))
@pytest.mark.parametrize("differs", DIFFERS)
async def test_a_payment_of_somebody_else_stops_the_order_until_a_person_goes_past_it(
    client: Client, differs: str, capture: CaptureMode
) -> None:
    shop, order_id = Shop(), new_order_id()
    theirs = theirs_of(shop, order_id, capture, differs)
    async with running_workers(client, shop):
        payment = {"token": "tok_visa", "capture": capture.value}
        handle = await ordered(client, shop, order_id, payment=payment)
        status = await until_status(handle, needs_attention=True)
        assert theirs.reference in status["attention"]
        assert f"another {differs.partition(' ')[0]}" in status["attention"]
        assert await shop.status(order_id) == "reserved"
        await handle.execute_update("resolve", NOTE)
        assert (await result(handle))["outcome"] == "completed"
    assert await untouched(shop, theirs)
    ours = [p async for p in shop.payments.payments() if p.reference != theirs.reference]
    assert [(p.status, p.order_id) for p in ours] == [(PaymentStatus.CAPTURED, order_id)]
    report = await verified(shop)
    is_another_shops = differs.startswith("installation")
    assert report.clean is is_another_shops
    shown = [each.reference for each in report.foreign] or [
        f.actual.split()[1] for f in report.findings
    ]
    if not differs.startswith("order"):
        assert shown == [theirs.reference]
    assert all(each.equal for each in report.comparisons)


@pytest.mark.parametrize("differs", DIFFERS)
async def test_undoing_leaves_a_payment_of_somebody_else_alone(
    client: Client, differs: str
) -> None:
    shop, order_id = Shop(), new_order_id()
    theirs = theirs_of(shop, order_id, CaptureMode.AUTOMATIC, differs)
    async with running_workers(client, shop):
        handle = await ordered(client, shop, order_id)
        await until_status(handle, needs_attention=True)
        await handle.execute_update("cancel", {**BY, "requested_by": "customer"})
        # Nothing of this order was ever confirmed, so there is nothing to ask a person.
        assert (await result(handle))["outcome"] == "cancelled"
    assert await untouched(shop, theirs)
    assert changes_asked_for(shop) == []
    assert "PaymentRefunded" not in await shop.story(order_id)


@pytest.mark.parametrize("changes", [{"installation": OTHER}, {"order_id": OrderId("1001")}])
async def test_a_label_of_somebody_else_stops_the_order_until_a_person_goes_past_it(
    client: Client, changes: dict[str, Any]
) -> None:
    shop, order_id = Shop(), new_order_id()
    ours = shop.installation.id
    key = OrderKeys(ours, OrderId(order_id)).labels[0]
    request = LabelRequest(OrderId(order_id), HOME, (ParcelItem("x", 2),), key, ours)
    theirs: CarrierLabel = replace(make_label(request, ServedArea()), **changes)
    shop.carrier.plant(theirs)
    async with running_workers(client, shop):
        handle = await ordered(client, shop, order_id)
        status = await until_status(handle, needs_attention=True, step="create_shipment")
        assert theirs.label_id in status["attention"]
        await handle.execute_update("resolve", NOTE)
        assert (await result(handle))["outcome"] == "completed"
    assert await shop.carrier.find(key) == theirs
    assert len([x async for x in shop.carrier.labels()]) == 2


async def test_a_copy_with_an_id_of_its_own_takes_nothing_that_the_original_paid(
    client: Client,
) -> None:
    shop, order_id = Shop(), new_order_id()
    async with running_workers(client, shop):
        payment = {"token": "tok_visa", "capture": "on_shipment"}
        handle = await ordered(client, shop, order_id, payment=payment)
        held = await _held_at_shipment(shop)
        shop.installation.id = OTHER  # as after `installation renew`
        shop.carrier.faults.clear()
        status = await until_status(handle, needs_attention=True, step="capture_payment")
        assert held.reference in status["attention"]
        assert await untouched(shop, held)
        await handle.execute_update("cancel", {**BY, "requested_by": "operator"})
        for step in ("cancel_shipment", "undo_payment"):
            await until_status(handle, needs_attention=True, step=step)
            await handle.execute_update("resolve", NOTE)
        assert (await result(handle))["outcome"] == "cancelled"
    assert await untouched(shop, held)
    assert changes_asked_for(shop) == []
    report = await verified(shop)
    assert held.reference in {each.reference for each in report.foreign}
    assert report.findings == []


async def _held_at_shipment(shop: Shop) -> ProviderPayment:
    fault = shop.carrier.faults.add(Fault(FaultKind.HOLD_AFTER, operation="buy_label"))

    async def label_is_bought() -> bool:
        return fault.holding > 0

    await until(label_is_bought)
    [held] = [p async for p in shop.payments.payments()]
    return held


async def test_two_shops_on_one_account_use_the_same_order_numbers(client: Client) -> None:
    one, order_id = Shop(), new_order_id()
    async with running_workers(client, one):
        assert (await result(await ordered(client, one, order_id)))["outcome"] == "completed"
    other = Shop()
    other.installation.id, other.payments, other.carrier = OTHER, one.payments, one.carrier
    async with running_workers(client, other):
        assert (await result(await ordered(client, other, order_id)))["outcome"] == "completed"
    for shop in (one, other):
        report = await verified(shop)
        assert report.findings == []
        assert [each.order_id for each in report.foreign] == [order_id, order_id]
        assert all(each.equal for each in report.comparisons)
