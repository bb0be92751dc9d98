"""Captures that the bank declines, in the fake and in the sandbox: an answer, never an error."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from activities.payment_port import PaymentGateway, PaymentStatus, ProviderPayment
from adapters.payments.http import HttpPaymentGateway
from adapters.providers.fakes import FakePaymentGateway
from adapters.providers.faults import Fault, FaultKind
from domain.values import CaptureMode
from tests.support.stack.payment_examples import charge, payment_request
from tests.support.stack.sandboxes import running_sandboxes


@dataclass(frozen=True)
class Subject:
    """A gateway whose captures can be declined by a fault."""

    gateway: PaymentGateway
    refuse: Callable[[Fault], Awaitable[object]]


@pytest.fixture(scope="module", params=["fake", "http"])
async def subject(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Subject]:
    if request.param == "fake":
        fake = FakePaymentGateway()

        async def refuse(fault: Fault) -> object:
            return fake.faults.add(fault)

        yield Subject(fake, refuse)
        return
    async with running_sandboxes(tmp_path_factory.mktemp("captures")) as sandboxes:
        gateway = HttpPaymentGateway(sandboxes.payment.base_url)
        yield Subject(gateway, sandboxes.payment.add)
        await gateway.close()


async def held(subject: Subject, kind: FaultKind) -> ProviderPayment:
    """An authorised payment whose capture meets a fault of `kind`."""
    request = payment_request("tok_visa", capture=CaptureMode.ON_SHIPMENT)
    await subject.refuse(Fault(kind, "capture", request.order_id, times=1))
    return await charge(subject.gateway, request)


async def test_a_declined_capture_keeps_the_authorisation(subject: Subject) -> None:
    payment = await held(subject, FaultKind.DECLINED)
    answer = await subject.gateway.capture(payment.reference, payment.amount)
    assert (answer.status, answer.decline_code) == (PaymentStatus.DECLINED, "insufficient_funds")
    assert await subject.gateway.find(payment.idempotency_key) == payment
    voided = await subject.gateway.void(payment.reference)
    assert voided.status is PaymentStatus.VOIDED


async def test_an_expired_authorisation_stays_expired(subject: Subject) -> None:
    payment = await held(subject, FaultKind.EXPIRED)
    answer = await subject.gateway.capture(payment.reference, payment.amount)
    assert answer.status is PaymentStatus.EXPIRED
    assert await subject.gateway.find(payment.idempotency_key) == answer
    assert await subject.gateway.capture(payment.reference, payment.amount) == answer
    assert await subject.gateway.void(payment.reference) == answer
