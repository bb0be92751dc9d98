"""A payment provider over HTTP, with the protocol of the payment sandbox."""

from collections.abc import AsyncIterator

from pydantic import BaseModel

from activities.ports import ChargeRequest, ProviderPayment
from adapters.providers.http_service import HttpService, NotFound, build_body, in_path
from adapters.providers.wire import (
    AmountBody,
    ChargeBody,
    ForbidChargeBody,
    PaymentBody,
    PaymentPage,
)
from domain.ids import OrderId
from domain.money import Money

_PAGE = 500


class HttpPaymentGateway:
    """The payment provider at `base_url`; implements gateway and ledger.

    Args:
        base_url: http or https URL of the service.
        timeout_s: seconds for a whole call.
    """

    def __init__(self, base_url: str, timeout_s: float = 10.0) -> None:
        self._service = HttpService("payment provider", base_url, timeout_s)

    async def charge(self, request: ChargeRequest) -> ProviderPayment:
        """Authorise or capture; the same key returns the first result."""
        body = build_body("charge", lambda: ChargeBody.of(request))
        answer = await self._service.post("/payments", body, request.idempotency_key, PaymentBody)
        payment = answer.to_payment()
        expected = (request.idempotency_key, request.order_id, request.amount)
        if (payment.idempotency_key, payment.order_id, payment.amount) != expected:
            self._service.reject_answer("/payments", changes=True)
        return payment

    async def find(self, idempotency_key: str) -> ProviderPayment | None:
        """The payment in its current state, or None if the key was never used."""
        path = f"/payments/by-key/{in_path(idempotency_key)}"
        try:
            payment = (await self._service.get(path, PaymentBody)).to_payment()
        except NotFound:
            return None
        if payment.idempotency_key != idempotency_key:
            self._service.reject_answer(path, changes=False)
        return payment

    async def forbid(
        self, order_id: OrderId, amount: Money, idempotency_key: str
    ) -> ProviderPayment | None:
        """Make a key unusable; if a payment was made with it, return that payment."""
        body = build_body(
            "forbid",
            lambda: ForbidChargeBody(
                order_id=order_id, amount_minor=amount.minor, currency=amount.currency
            ),
        )
        path = f"/payments/by-key/{in_path(idempotency_key)}/forbid"
        answer = await self._service.post(path, body, idempotency_key, PaymentBody)
        payment = answer.to_payment()
        if (payment.idempotency_key, payment.order_id) != (idempotency_key, order_id):
            self._service.reject_answer(path, changes=True)
        return payment

    async def capture(self, reference: str, amount: Money, idempotency_key: str) -> ProviderPayment:
        """Capture at most the authorised amount; a payment that is already captured is returned."""
        return await self._change("capture", reference, _amount(amount), idempotency_key)

    async def void(self, reference: str, idempotency_key: str) -> ProviderPayment:
        """Void an authorisation; a payment that is already voided is returned."""
        return await self._change("void", reference, None, idempotency_key)

    async def refund(self, reference: str, amount: Money, idempotency_key: str) -> ProviderPayment:
        """Refund captured money, once per key."""
        return await self._change("refund", reference, _amount(amount), idempotency_key)

    async def payments(self) -> AsyncIterator[ProviderPayment]:
        """All payments, oldest first."""
        after: int | None = 0
        while after is not None:
            query = {"after": after, "limit": _PAGE}
            page = await self._service.get("/payments", PaymentPage, query)
            for body in page.payments:
                yield body.to_payment()
            after = page.next

    async def close(self) -> None:
        """Release connections."""
        await self._service.close()

    async def _change(
        self, operation: str, reference: str, body: BaseModel | None, key: str
    ) -> ProviderPayment:
        path = f"/payments/{in_path(reference)}/{operation}"
        payment = (await self._service.post(path, body, key, PaymentBody)).to_payment()
        if payment.reference != reference:
            self._service.reject_answer(path, changes=True)
        return payment


def _amount(amount: Money) -> AmountBody:
    return AmountBody(amount_minor=amount.minor, currency=amount.currency)
