"""At every provider, what somebody else has under an order's key is found and never touched."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from activities.payments.own import OrderPayments
from activities.ports import ChargeRequest, LabelRequest, NotOurs, PaymentStatus
from activities.shipping.own import OrderLabels
from domain.ids import OrderId
from domain.lines import Content, OrderLine
from domain.money import Money
from domain.order.state import FrozenOrder
from domain.payment.payment import Authorised, Captured
from domain.values import CaptureMode, PaymentTerms
from tests.contract import test_carriers as carriers
from tests.contract import test_payment_gateways as gateways
from tests.support.stack.carrier_examples import HOME, label_request
from tests.support.stack.payment_examples import OURS, charge_request

OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
DIFFERS: dict[str, dict[str, Any]] = {
    "installation": {"installation": OTHER},
    "no installation": {"installation": "none"},
    "installation in another case": {"installation": OURS.upper()},
    "order": {"order_id": OrderId("ZZ9")},
    "order in another case": {"order_id": None},
    "amount": {"amount": Money(999, "GBP")},
    "currency": {"amount": Money(1000, "EUR")},
}
OF_LABELS = [name for name in DIFFERS if name not in ("amount", "currency")]


@pytest.fixture(
    scope="module", params=[gateways.fake, gateways.http, gateways.stripe], ids=lambda m: m.__name__
)
async def subject(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[gateways.Subject]:
    async with request.param(tmp_path_factory.mktemp("payments")) as subject:
        yield subject


@pytest.fixture(scope="module", params=[carriers.fake, carriers.http], ids=lambda m: m.__name__)
async def carrier(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[carriers.Subject]:
    async with request.param(tmp_path_factory.mktemp("labels")) as subject:
        yield subject


def changed(request: Any, differs: str) -> Any:
    """The request of somebody else under the same key."""
    changes = dict(DIFFERS[differs])
    if changes.get("order_id", "") is None:
        changes["order_id"] = OrderId(request.order_id.lower())
    return replace(request, **changes)


def order_of(request: ChargeRequest | LabelRequest, token: str = "tok_visa") -> FrozenOrder:  # noqa: S107  no secret
    line = OrderLine("1", "10001", "Lamp", 1, Money(1000, "GBP"))  # type: ignore[arg-type]  # a SKU
    return FrozenOrder(
        request.order_id,
        None,
        None,  # type: ignore[arg-type]  # nobody asks when it was placed
        (line,),
        Content("GBP", (line,)),
        HOME,
        HOME,
        Money(1000, "GBP"),
        PaymentTerms(token),
        totals=(Money(1000, "GBP"),),
    )


@pytest.mark.parametrize("capture", list(CaptureMode))
@pytest.mark.parametrize("differs", DIFFERS)
async def test_a_payment_of_somebody_else_is_never_touched(
    subject: gateways.Subject, differs: str, capture: CaptureMode
) -> None:
    request, gateway = charge_request(subject.good, capture=capture), subject.gateway
    key = request.idempotency_key
    theirs = await gateway.charge(changed(request, differs))
    own = OrderPayments(gateway, OURS, order_of(request, subject.good))
    recorded = Authorised if capture is CaptureMode.ON_SHIPMENT else Captured
    state = recorded(request.order_id, request.amount, theirs.reference, key)
    for asked in (
        lambda: own.find(key),
        lambda: own.charge(key, capture),
        lambda: own.forbid(key),
        lambda: own.recorded(state),
    ):
        with pytest.raises(NotOurs, match=theirs.reference):
            await asked()
    assert await gateway.read(theirs.reference) == theirs


async def test_a_payment_of_our_own_is_taken_by_every_way(subject: gateways.Subject) -> None:
    request = charge_request(subject.good)
    own = OrderPayments(subject.gateway, OURS, order_of(request, subject.good))
    key = request.idempotency_key
    made = await own.charge(key, CaptureMode.AUTOMATIC)
    state = Captured(request.order_id, request.amount, made.reference, key)
    assert await own.find(key) == await own.forbid(key) == await own.recorded(state) == made
    assert (await own.refund(made, made.amount, "r")).status is PaymentStatus.REFUNDED


async def test_what_the_original_of_a_copy_has_paid_is_not_the_copys_own(
    subject: gateways.Subject,
) -> None:
    request = charge_request(subject.good)
    made = await subject.gateway.charge(request)
    copy = OrderPayments(subject.gateway, OTHER, order_of(request, subject.good))
    state = Captured(request.order_id, request.amount, made.reference, request.idempotency_key)
    with pytest.raises(NotOurs, match="another installation"):
        await copy.recorded(state)
    assert await copy.find(copy.keys.payments[0]) is None


@pytest.mark.parametrize("differs", OF_LABELS)
async def test_a_label_of_somebody_else_is_never_touched(
    carrier: carriers.Subject, differs: str
) -> None:
    request = label_request()
    key = request.idempotency_key
    theirs = await carrier.buy_label(changed(request, differs))
    own = OrderLabels(carrier, OURS, request.order_id)
    for asked in (
        lambda: own.find(key),
        lambda: own.buy(key, order_of(request)),
        lambda: own.forbid(key),
    ):
        with pytest.raises(NotOurs, match=theirs.label_id):
            await asked()
    assert await carrier.find(key) == theirs


async def test_a_label_of_our_own_is_taken_by_every_way(carrier: carriers.Subject) -> None:
    request = label_request()
    own = OrderLabels(carrier, OURS, request.order_id)
    bought = await own.buy(request.idempotency_key, order_of(request))
    assert await own.find(request.idempotency_key) == bought
    assert (await own.cancel(bought)).label_id == bought.label_id
