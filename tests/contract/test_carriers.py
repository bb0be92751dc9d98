"""The contract of every carrier."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from activities.ports import Carrier, CarrierLedger, GatewayRejected, LabelStatus, ParcelItem
from adapters.providers.fakes import FakeCarrier
from adapters.providers.rules import POSTAL_CODE_MARKER, ServedArea
from adapters.shipping.http import HttpCarrier
from tests.support.stack.carrier_examples import HOME, OURS, label_request
from tests.support.stack.sandboxes import running_sandboxes


class Subject(Carrier, CarrierLedger, Protocol):
    """Carrier and ledger, which every adapter implements together."""


@asynccontextmanager
async def fake(_: Path) -> AsyncIterator[Subject]:
    yield FakeCarrier(ServedArea(frozenset({"IS", "ZA"})))


@asynccontextmanager
async def http(folder: Path) -> AsyncIterator[Subject]:
    async with running_sandboxes(folder, ["--unserved-countries", "is,ZA"]) as sandboxes:
        carrier = HttpCarrier(sandboxes.carrier.base_url)
        yield carrier
        await carrier.close()


@pytest.fixture(scope="module", params=[fake, http], ids=lambda make: make.__name__)
async def carrier(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Subject]:
    async with request.param(tmp_path_factory.mktemp("labels")) as subject:
        yield subject


async def test_a_label_is_live_and_has_a_tracking_number(carrier: Subject) -> None:
    request = label_request()
    label = await carrier.buy_label(request)
    assert label.status is LabelStatus.LIVE
    assert (label.idempotency_key, label.order_id) == (request.idempotency_key, request.order_id)
    assert label.label_id
    assert label.carrier
    assert label.tracking_number
    assert label.refusal is None


async def test_two_orders_get_two_tracking_numbers(carrier: Subject) -> None:
    one = await carrier.buy_label(label_request())
    two = await carrier.buy_label(label_request())
    assert one.tracking_number != two.tracking_number
    assert one.label_id != two.label_id


async def test_the_same_key_buys_one_label(carrier: Subject) -> None:
    request = label_request()
    first = await carrier.buy_label(request)
    assert await carrier.buy_label(request) == first
    assert [x async for x in carrier.labels() if x.order_id == request.order_id] == [first]


@pytest.mark.parametrize(
    "change",
    [{"address": replace(HOME, line1="1 Elsewhere")}, {"items": (ParcelItem("85123A", 7),)}],
    ids=["address", "items"],
)
async def test_the_same_key_with_other_content_is_rejected(
    carrier: Subject, change: dict[str, Any]
) -> None:
    request = label_request()
    first = await carrier.buy_label(request)
    with pytest.raises(GatewayRejected):
        await carrier.buy_label(replace(request, **change))
    assert await carrier.find(request.idempotency_key) == first


@pytest.mark.parametrize(
    ("address", "refusal"),
    [
        (replace(HOME, country="IS"), "country_not_served"),
        (replace(HOME, country="ZA"), "country_not_served"),
        (replace(HOME, postal_code=f" {POSTAL_CODE_MARKER.lower()} 1"), "postal_code_not_served"),
    ],
    ids=["one country", "another country", "postal code"],
)
async def test_a_refused_address_is_a_result_with_a_reason(
    carrier: Subject, address: Any, refusal: str
) -> None:
    request = label_request(address)
    label = await carrier.buy_label(request)
    assert (label.status, label.refusal) == (LabelStatus.REFUSED, refusal)
    assert label.tracking_number == ""
    assert await carrier.buy_label(request) == label
    assert await carrier.find(request.idempotency_key) == label


async def test_an_address_next_to_a_refused_one_is_served(carrier: Subject) -> None:
    label = await carrier.buy_label(label_request(replace(HOME, country="IE")))
    assert label.status is LabelStatus.LIVE


async def test_find_returns_the_label_of_a_key(carrier: Subject) -> None:
    label = await carrier.buy_label(label_request())
    assert await carrier.find(label.idempotency_key) == label


async def test_find_returns_none_for_an_unknown_key(carrier: Subject) -> None:
    assert await carrier.find("order-never/seen? :shipment") is None


async def test_a_cancelled_label_is_cancelled_for_good(carrier: Subject) -> None:
    label = await carrier.buy_label(label_request())
    cancelled = await carrier.cancel_label(label.label_id, "cancel-" + label.order_id)
    assert cancelled == replace(label, status=LabelStatus.CANCELLED)
    assert await carrier.cancel_label(label.label_id, "again-" + label.order_id) == cancelled
    assert await carrier.find(label.idempotency_key) == cancelled


async def test_a_refused_label_cannot_be_cancelled(carrier: Subject) -> None:
    label = await carrier.buy_label(label_request(replace(HOME, country="IS")))
    with pytest.raises(GatewayRejected):
        await carrier.cancel_label(label.label_id, "cancel-" + label.order_id)


async def test_an_unknown_label_is_rejected(carrier: Subject) -> None:
    with pytest.raises(GatewayRejected):
        await carrier.cancel_label("lbl_doesnotexist", "cancel-unknown")


async def test_the_ledger_lists_every_label_in_its_current_state(carrier: Subject) -> None:
    live = await carrier.buy_label(label_request())
    refused = await carrier.buy_label(label_request(replace(HOME, country="ZA")))
    gone = await carrier.buy_label(label_request())
    gone = await carrier.cancel_label(gone.label_id, "cancel-" + gone.order_id)
    listed = [label async for label in carrier.labels()]
    assert listed[-3:] == [live, refused, gone]


async def test_a_forbidden_key_never_buys_a_label(carrier: Subject) -> None:
    request = label_request()
    stands = await carrier.forbid(request.order_id, request.idempotency_key, OURS)
    assert stands is not None
    assert stands.status is LabelStatus.FORBIDDEN
    with pytest.raises(GatewayRejected):
        await carrier.buy_label(request)
    assert await carrier.find(request.idempotency_key) == stands
    assert await carrier.forbid(request.order_id, request.idempotency_key, OURS) == stands


async def test_forbidding_a_key_that_was_used_returns_its_label(carrier: Subject) -> None:
    request = label_request()
    bought = await carrier.buy_label(request)
    assert await carrier.forbid(request.order_id, request.idempotency_key, OURS) == bought


async def test_a_forbidden_label_cannot_be_cancelled(carrier: Subject) -> None:
    request = label_request()
    stands = await carrier.forbid(request.order_id, request.idempotency_key, OURS)
    assert stands is not None
    with pytest.raises(GatewayRejected):
        await carrier.cancel_label(stands.label_id, "cancel-forbidden")
