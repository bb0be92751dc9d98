"""At every provider, what somebody else has under an order's key is found and never touched."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from activities.payment_port import PaymentRequest, RefundStatus
from activities.payments.own import OrderPayments
from activities.ports import GatewayRejected, LabelRequest, NotOurs
from activities.shipping.own import OrderLabels
from domain.errors import CurrencyMismatch
from domain.ids import OrderId
from domain.lines import Content, OrderLine
from domain.money import Money
from domain.order.state import FrozenOrder
from domain.payment.state import Authorised, Captured, Prepared
from domain.values import CaptureMode, PaymentTerms
from tests.contract import test_carriers as carriers
from tests.support.stack import gateways
from tests.support.stack.carrier_examples import HOME, label_request
from tests.support.stack.payment_examples import OURS, charge, payment_request

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


@pytest.fixture(scope="module", params=[gateways.fake, gateways.http], ids=lambda m: m.__name__)
async def strict(
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


def order_of(request: PaymentRequest | LabelRequest, token: str = "tok_visa") -> FrozenOrder:  # noqa: S107  no secret
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
    request, gateway = payment_request(subject.good, capture=capture), subject.gateway
    key = request.idempotency_key
    made = await gateway.create(changed(request, differs))
    own = OrderPayments(gateway, OURS, order_of(request, subject.good))
    prepared = Prepared(request.order_id, request.amount, made.reference, key)
    with pytest.raises(NotOurs, match=made.reference):
        await own.recorded(prepared)
    theirs = await gateway.confirm(made.reference)
    kind = Authorised if capture is CaptureMode.ON_SHIPMENT else Captured
    recorded = kind(request.order_id, request.amount, theirs.reference, key)
    with pytest.raises(NotOurs, match=theirs.reference):
        await own.recorded(recorded)
    assert await gateway.read(theirs.reference) == theirs


@pytest.mark.parametrize("differs", [x for x in DIFFERS if x not in ("amount", "currency")])
async def test_a_key_that_somebody_else_has_used_is_reported_and_theirs_is_left_alone(
    strict: gateways.Subject, differs: str
) -> None:
    request, gateway = payment_request(strict.good), strict.gateway
    theirs = await charge(gateway, changed(request, differs))
    own = OrderPayments(gateway, OURS, order_of(request, strict.good))
    with pytest.raises(NotOurs, match=theirs.reference):
        await own.create(request.idempotency_key, CaptureMode.AUTOMATIC)
    assert await gateway.read(theirs.reference) == theirs


async def test_a_payment_of_our_own_is_taken_by_every_way(subject: gateways.Subject) -> None:
    request = payment_request(subject.good)
    own = OrderPayments(subject.gateway, OURS, order_of(request, subject.good))
    key = request.idempotency_key
    created = await own.create(key, CaptureMode.AUTOMATIC)
    prepared = Prepared(request.order_id, request.amount, created.reference, key)
    made = await own.confirm(prepared)
    state = Captured(request.order_id, request.amount, made.reference, key)
    assert await own.recorded(state) == made
    refund = await own.refund(state, made.amount, "r")
    assert refund.status is RefundStatus.SUCCEEDED
    assert await own.refunds(state) == (refund,)


@pytest.mark.parametrize("amount", [Money(1, "EUR"), Money(1001, "GBP")], ids=str)
async def test_no_other_currency_and_no_more_than_is_held_is_asked_for(
    subject: gateways.Subject, amount: Money
) -> None:
    request = payment_request(subject.good)
    own = OrderPayments(subject.gateway, OURS, order_of(request, subject.good))
    key = request.idempotency_key
    with pytest.raises((GatewayRejected, CurrencyMismatch)):
        await own.refund(Captured(request.order_id, request.amount, "pi_1", key), amount, "r")
    with pytest.raises((GatewayRejected, CurrencyMismatch)):
        await own.capture(Authorised(request.order_id, request.amount, "pi_1", key), amount)


async def test_what_the_original_of_a_copy_has_paid_is_not_the_copys_own(
    subject: gateways.Subject,
) -> None:
    request = payment_request(subject.good)
    made = await charge(subject.gateway, request)
    copy = OrderPayments(subject.gateway, OTHER, order_of(request, subject.good))
    state = Captured(request.order_id, request.amount, made.reference, request.idempotency_key)
    for asked in (
        lambda: copy.recorded(state),
        lambda: copy.refunds(state),
        lambda: copy.refund(state, made.amount, "r"),
    ):
        with pytest.raises(NotOurs, match="another installation"):
            await asked()


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
