"""What each answer of a provider means; the same table for payments and labels."""

import asyncio
from dataclasses import replace

import aiohttp
import pytest

from activities.ports import (
    GatewayRefusedAccess,
    GatewayRejected,
    GatewayUnavailable,
    KeyUsedUp,
    OutcomeUnknown,
)
from adapters.payments.http import HttpPaymentGateway
from adapters.providers.answers import Received, failure
from adapters.shipping.http import HttpCarrier
from tests.support.stack.carrier_examples import HOME, label_request

REFUSALS = (400, 402, 404, 409, 410, 422)
NO_ACCESS = (GatewayRefusedAccess, GatewayRefusedAccess)
NO_EFFECT = (GatewayUnavailable, GatewayUnavailable)
REFUSED_CONNECTION = aiohttp.ClientConnectorError(
    aiohttp.client_reqrep.ConnectionKey("localhost", 1, False, True, None, None, None),
    OSError("refused"),
)


@pytest.mark.parametrize(
    ("cause", "change", "read"),
    [
        *((Received(n, "odd"), GatewayRejected, GatewayRejected) for n in REFUSALS),
        *((Received(n), OutcomeUnknown, GatewayUnavailable) for n in (*REFUSALS, 302, 405, 418)),
        *((Received(n, code), *NO_ACCESS) for n in (401, 403, 407) for code in ("", "odd")),
        *((Received(n, code), *NO_EFFECT) for n in (425, 429, 503) for code in ("", "odd")),
        *((Received(n), OutcomeUnknown, GatewayUnavailable) for n in (408, 500, 502, 504)),
        (Received(500, "", replayed=True), KeyUsedUp, KeyUsedUp),
        (Received(503, "odd", replayed=True), KeyUsedUp, KeyUsedUp),
        (Received(409, "idempotency_conflict"), KeyUsedUp, KeyUsedUp),
        (aiohttp.InvalidURL("x"), *NO_ACCESS),
        (REFUSED_CONNECTION, GatewayUnavailable, GatewayUnavailable),
        (aiohttp.ConnectionTimeoutError(), GatewayUnavailable, GatewayUnavailable),
        (aiohttp.SocketTimeoutError(), OutcomeUnknown, GatewayUnavailable),
        (aiohttp.ServerDisconnectedError(), OutcomeUnknown, GatewayUnavailable),
        (aiohttp.ClientOSError(), OutcomeUnknown, GatewayUnavailable),
        (aiohttp.ClientPayloadError(), OutcomeUnknown, GatewayUnavailable),
        (TimeoutError(), OutcomeUnknown, GatewayUnavailable),
        (ConnectionResetError(), OutcomeUnknown, GatewayUnavailable),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else repr(value)[:60],
)
def test_an_answer_has_one_meaning(
    cause: Received | BaseException, change: type[Exception], read: type[Exception]
) -> None:
    assert type(failure("x", cause, changes=True)) is change
    assert type(failure("x", cause, changes=False)) is read


def test_how_long_the_provider_wants_us_to_wait_goes_into_the_error() -> None:
    error = failure("x", Received(429, retry_after_s=7.0), changes=True)
    assert isinstance(error, GatewayUnavailable)
    assert error.retry_after_s == 7.0


def test_an_error_does_not_hold_the_text_of_the_exception() -> None:
    error = failure("payment provider /payments", OSError("10 Downing Street"), changes=True)
    assert str(error) == "payment provider /payments: OSError"


async def test_an_invalid_request_is_rejected_with_its_fields_but_not_their_values() -> None:
    carrier = HttpCarrier("http://127.0.0.1:1")
    request = label_request(replace(HOME, country="England", name="N" * 2000))
    with pytest.raises(GatewayRejected) as caught:
        await carrier.buy_label(request)
    assert (
        str(caught.value)
        == "label: cannot be sent, invalid or too long: address.name, address.country"
    )


@pytest.mark.parametrize("make", [HttpCarrier, HttpPaymentGateway])
def test_a_wrong_base_url_is_refused_at_once(make: type[HttpCarrier]) -> None:
    with pytest.raises(ValueError, match="http://"):
        make("localhost:8181")


async def test_closing_before_the_first_call_does_not_fail() -> None:
    closing = asyncio.create_task(HttpCarrier("http://127.0.0.1:1").close())
    await asyncio.wait({closing})
    assert closing.exception() is None
