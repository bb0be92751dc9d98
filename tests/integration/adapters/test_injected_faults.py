"""The injected faults of a sandbox process, seen through the HTTP adapters."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest

from activities.payment_port import PaymentStatus, RefundStatus
from activities.ports import (
    GatewayError,
    GatewayRefusedAccess,
    GatewayRejected,
    GatewayUnavailable,
    OutcomeUnknown,
)
from adapters.payments.http import HttpPaymentGateway
from adapters.providers.faults import Fault, FaultKind
from adapters.providers.payment_rules import DECLINING_TOKENS
from adapters.shipping.http import HttpCarrier
from tests.support.stack.carrier_examples import label_request
from tests.support.stack.payment_examples import GBP_10, charge, payment_request
from tests.support.stack.sandboxes import SandboxProcess, running_sandboxes


@pytest.fixture(scope="module")
async def sandboxes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxProcess]:
    async with running_sandboxes(tmp_path_factory.mktemp("sandboxes")) as sandboxes:
        yield sandboxes


@pytest.fixture
async def payments(sandboxes: SandboxProcess) -> AsyncIterator[HttpPaymentGateway]:
    gateway = HttpPaymentGateway(sandboxes.payment.base_url)
    yield gateway
    await sandboxes.payment.clear()
    await gateway.close()


@pytest.fixture
async def carrier(sandboxes: SandboxProcess) -> AsyncIterator[HttpCarrier]:
    carrier = HttpCarrier(sandboxes.carrier.base_url)
    yield carrier
    await sandboxes.carrier.clear()
    await carrier.close()


@pytest.mark.parametrize(("token", "code"), DECLINING_TOKENS.items())
async def test_each_documented_token_is_declined_with_its_code(
    payments: HttpPaymentGateway, token: str, code: str
) -> None:
    payment = await charge(payments, payment_request(token))
    assert (payment.status, payment.decline_code) == (PaymentStatus.DECLINED, code)


@pytest.mark.parametrize(
    ("kind", "error", "was_done"),
    [
        (FaultKind.UNAVAILABLE, GatewayUnavailable, False),
        (FaultKind.REJECTED, GatewayRefusedAccess, False),
        (FaultKind.INVALID, GatewayRejected, False),
        (FaultKind.SERVER_ERROR, OutcomeUnknown, False),
        (FaultKind.REQUEST_LOST, OutcomeUnknown, False),
        (FaultKind.ANSWER_LOST, OutcomeUnknown, True),
        (FaultKind.GARBAGE, OutcomeUnknown, True),
    ],
)
async def test_a_failed_charge_can_be_looked_up_by_its_key(
    sandboxes: SandboxProcess,
    payments: HttpPaymentGateway,
    kind: FaultKind,
    error: type[GatewayError],
    was_done: bool,
) -> None:
    request = payment_request("tok_visa")
    await sandboxes.payment.add(Fault(kind, operation="confirm", order=request.order_id, times=1))
    with pytest.raises(error):
        await charge(payments, request)
    # Another process goes on: its breaker knows nothing of the failure.
    another = HttpPaymentGateway(sandboxes.payment.base_url)
    found = await another.find(request.idempotency_key)
    assert found is not None
    assert (found.status is PaymentStatus.CAPTURED) is was_done
    payment = await charge(another, request)
    assert payment.status is PaymentStatus.CAPTURED
    assert [p async for p in another.payments() if p.order_id == request.order_id] == [payment]
    await another.close()


@pytest.mark.parametrize(
    "kind", [FaultKind.SERVER_ERROR, FaultKind.REQUEST_LOST, FaultKind.ANSWER_LOST]
)
async def test_a_failed_read_is_never_an_unknown_outcome(
    sandboxes: SandboxProcess, payments: HttpPaymentGateway, kind: FaultKind
) -> None:
    # aiohttp itself sends a lost GET a second time.
    await sandboxes.payment.add(Fault(kind, operation="find", times=2))
    with pytest.raises(GatewayUnavailable):
        await payments.find("order-X:payment")


async def test_a_lost_answer_of_a_refund_does_not_refund_twice(
    sandboxes: SandboxProcess, payments: HttpPaymentGateway
) -> None:
    payment = await charge(payments, payment_request("tok_visa"))
    half, key = replace(GBP_10, minor=500), f"order-{payment.order_id}:refund"
    await sandboxes.payment.add(Fault(FaultKind.ANSWER_LOST, operation="refund", times=1))
    with pytest.raises(OutcomeUnknown):
        await payments.refund(payment.reference, half, key)
    refund = await payments.refund(payment.reference, half, key)
    assert (refund.status, refund.amount) == (RefundStatus.SUCCEEDED, half)
    assert await payments.refunds(payment.reference) == (refund,)


async def test_a_lost_answer_of_a_label_can_be_looked_up_by_its_key(
    sandboxes: SandboxProcess, carrier: HttpCarrier
) -> None:
    request = label_request()
    await sandboxes.carrier.add(Fault(FaultKind.ANSWER_LOST, operation="buy_label", times=1))
    with pytest.raises(OutcomeUnknown):
        await carrier.buy_label(request)
    label = await carrier.find(request.idempotency_key)
    assert label is not None
    assert await carrier.buy_label(request) == label


async def test_a_charge_that_takes_too_long_has_an_unknown_outcome_and_still_happens(
    sandboxes: SandboxProcess,
) -> None:
    impatient = HttpPaymentGateway(sandboxes.payment.base_url, timeout_s=3)
    created = await impatient.create(payment_request("tok_visa"))
    fault = Fault(FaultKind.HOLD_BEFORE, operation="confirm", order=created.order_id)
    hold = await sandboxes.payment.add(fault)
    confirming = asyncio.create_task(impatient.confirm(created.reference))
    await sandboxes.payment.wait_until_holding(hold)
    with pytest.raises(OutcomeUnknown):
        await confirming
    assert await impatient.read(created.reference) == created
    await sandboxes.payment.remove(hold)
    async with asyncio.timeout(60):
        while await impatient.read(created.reference) == created:  # noqa: ASYNC110  another process
            await asyncio.sleep(0.01)
    assert (await impatient.read(created.reference)).status is PaymentStatus.CAPTURED
    await impatient.close()


async def test_one_call_can_be_held_between_its_work_and_its_answer(
    sandboxes: SandboxProcess, payments: HttpPaymentGateway
) -> None:
    request, other = payment_request("tok_visa"), payment_request("tok_visa")
    fault = Fault(FaultKind.HOLD_AFTER, operation="confirm", order=request.order_id, times=1)
    hold = await sandboxes.payment.add(fault)
    waiting = asyncio.create_task(charge(payments, request))
    await sandboxes.payment.wait_until_holding(hold)
    assert await payments.find(request.idempotency_key) is not None
    assert (await charge(payments, other)).status is PaymentStatus.CAPTURED
    assert not waiting.done()
    await sandboxes.payment.remove(hold)
    assert (await waiting).status is PaymentStatus.CAPTURED


async def test_a_fault_can_hit_a_number_of_calls_and_no_more(
    sandboxes: SandboxProcess, payments: HttpPaymentGateway
) -> None:
    await sandboxes.payment.add(Fault(FaultKind.UNAVAILABLE, operation="confirm", times=3))
    request = payment_request("tok_visa")
    for _ in range(3):
        with pytest.raises(GatewayUnavailable):
            await charge(payments, request)
    assert (await charge(payments, request)).status is PaymentStatus.CAPTURED
    calls = await sandboxes.payment.calls("confirm")
    assert [c["order_id"] for c in calls[-4:]] == [request.order_id] * 4


async def test_many_equal_charges_at_once_make_one_payment(payments: HttpPaymentGateway) -> None:
    request = payment_request("tok_visa")
    results = await asyncio.gather(*(charge(payments, request) for _ in range(30)))
    assert len(set(results)) == 1
    assert len([p async for p in payments.payments() if p.order_id == request.order_id]) == 1


async def test_many_refunds_at_once_never_exceed_the_captured_amount(
    payments: HttpPaymentGateway,
) -> None:
    payment = await charge(payments, payment_request("tok_visa"))
    part = replace(GBP_10, minor=300)
    tries = (
        payments.refund(payment.reference, part, f"r-{n}-{payment.order_id}") for n in range(9)
    )
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, GatewayRejected) for result in results) == 6
    refunded = await payments.find(payment.idempotency_key)
    assert refunded is not None
    assert refunded.refunded.minor == 900


async def test_a_service_that_does_not_listen_is_unavailable(sandboxes: SandboxProcess) -> None:
    nobody = HttpPaymentGateway("http://127.0.0.1:1")
    with pytest.raises(GatewayUnavailable):
        await charge(nobody, payment_request("tok_visa"))
    await nobody.close()


async def test_a_404_of_another_service_does_not_mean_an_unknown_key(
    sandboxes: SandboxProcess,
) -> None:
    wrong = HttpPaymentGateway(sandboxes.carrier.base_url)
    # That is our mistake, and says nothing about an order.
    with pytest.raises(GatewayUnavailable):
        await wrong.find("order-X:payment")
    with pytest.raises(OutcomeUnknown):
        await charge(wrong, payment_request("tok_visa"))
    await wrong.close()


async def test_the_ledger_is_read_page_by_page(payments: HttpPaymentGateway) -> None:
    before = len([p async for p in payments.payments()])
    charged = await asyncio.gather(
        *(charge(payments, payment_request("tok_visa")) for _ in range(510))
    )
    listed = [p async for p in payments.payments()]
    assert len(listed) == before + 510
    assert set(charged) <= set(listed)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"\xff\x00not json", 400),
        (b"[]", 400),
        (b"{}", 400),
        (
            b'{"order_id":"A","amount_minor":1.5,"currency":"GBP","token":"t","capture":"automatic"}',
            400,
        ),
        (
            b'{"order_id":"A","amount_minor":"5","currency":"GBP","token":"t","capture":"automatic"}',
            400,
        ),
        (
            (
                b'{"installation":"I","order_id":"A","amount_minor":-5,"currency":"GBP",'
                b'"token":"t","capture":"automatic"}'
            ),
            422,
        ),
        (
            b'{"order_id":"A","amount_minor":9e99,"currency":"GBP","token":"t","capture":"automatic"}',
            400,
        ),
        (b"x" * 2_000_000, 413),
    ],
)
async def test_an_invalid_request_is_refused_and_makes_nothing(
    sandboxes: SandboxProcess, body: bytes, status: int
) -> None:
    before = await sandboxes.payment.health()
    url = sandboxes.payment.base_url + "/payments"
    headers = {"Idempotency-Key": "garbage"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=io.BytesIO(body), headers=headers) as response,
    ):
        assert response.status == status
        assert (await response.json())["error"]["code"]
    assert await sandboxes.payment.health() == before


async def test_a_repeated_answer_is_marked(sandboxes: SandboxProcess) -> None:
    url = sandboxes.payment.base_url + "/payments"
    body = {"order_id": "R1", "amount_minor": 5, "currency": "GBP", "token": "t"}
    body |= {"capture": "automatic", "installation": "I"}
    seen = []
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            async with session.post(url, json=body, headers={"Idempotency-Key": "r1"}) as response:
                seen.append((response.headers.get("Idempotent-Replayed"), await response.json()))
    assert [replayed for replayed, _ in seen] == [None, "true"]
    assert seen[0][1] == seen[1][1]


async def test_a_change_without_a_key_is_refused(sandboxes: SandboxProcess) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(sandboxes.payment.base_url + "/payments", json={}) as response,
    ):
        assert response.status == 422
        assert (await response.json())["error"]["code"] == "missing_key"
