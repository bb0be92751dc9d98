"""The port's error for each failure of a call over HTTP."""

import asyncio
from dataclasses import replace

import aiohttp
import pytest

from activities.ports import (
    GatewayRefusedAccess,
    GatewayRejected,
    GatewayUnavailable,
    OutcomeUnknown,
)
from adapters.payments.http import HttpPaymentGateway
from adapters.providers.http_service import failure
from adapters.shipping.http import HttpCarrier
from tests.support.stack.carrier_examples import HOME, label_request

REFUSED_CONNECTION = aiohttp.ClientConnectorError(
    aiohttp.client_reqrep.ConnectionKey("localhost", 1, False, True, None, None, None),
    OSError("refused"),
)


@pytest.mark.parametrize(
    ("cause", "change", "read"),
    [
        (400, GatewayRejected, GatewayRejected),
        (401, GatewayRefusedAccess, GatewayRefusedAccess),
        (403, GatewayRefusedAccess, GatewayRefusedAccess),
        (404, GatewayRejected, GatewayRejected),
        (409, GatewayRejected, GatewayRejected),
        (302, GatewayRejected, GatewayRejected),
        (429, GatewayUnavailable, GatewayUnavailable),
        (503, GatewayUnavailable, GatewayUnavailable),
        (500, OutcomeUnknown, GatewayUnavailable),
        (502, OutcomeUnknown, GatewayUnavailable),
        (504, OutcomeUnknown, GatewayUnavailable),
        (REFUSED_CONNECTION, GatewayUnavailable, GatewayUnavailable),
        (aiohttp.ConnectionTimeoutError(), GatewayUnavailable, GatewayUnavailable),
        (aiohttp.SocketTimeoutError(), OutcomeUnknown, GatewayUnavailable),
        (aiohttp.ServerDisconnectedError(), OutcomeUnknown, GatewayUnavailable),
        (aiohttp.ClientOSError(), OutcomeUnknown, GatewayUnavailable),
        (aiohttp.ClientPayloadError(), OutcomeUnknown, GatewayUnavailable),
        (TimeoutError(), OutcomeUnknown, GatewayUnavailable),
        (ConnectionResetError(), OutcomeUnknown, GatewayUnavailable),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else repr(value)[:40],
)
def test_a_failure_has_one_meaning(
    cause: int | BaseException, change: type[Exception], read: type[Exception]
) -> None:
    assert type(failure("x", cause, changes=True)) is change
    assert type(failure("x", cause, changes=False)) is read


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
