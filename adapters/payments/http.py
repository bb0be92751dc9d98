"""A payment provider over HTTP, as the payment sandbox speaks it."""

from collections.abc import AsyncIterator

from pydantic import BaseModel

from activities.ports import ChargeRequest, ProviderPayment
from adapters.providers.http_service import HttpService, NotFoundThere, expressed, in_path
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
    """The payment provider at `base_url`; gateway and ledger in one.

    Args:
        base_url: http or https URL of the service.
        timeout_s: seconds that a whole call may take.
    """

    def __init__(self, base_url: str, timeout_s: float = 10.0) -> None:
        self._service = HttpService("payment provider", base_url, timeout_s)

    async def charge(self, request: ChargeRequest) -> ProviderPayment:
        """Authorise or capture; the same key returns the first result."""
        body = expressed("charge", lambda: ChargeBody.of(request))
        answer = await self._service.post("/payments", body, request.idempotency_key, PaymentBody)
        payment = answer.to_payment()
        asked = (request.idempotency_key, request.order_id, request.amount)
        if (payment.idempotency_key, payment.order_id, payment.amount) != asked:
            self._service.reject_answer("/payments", changes=True)
        return payment

    async def find(self, idempotency_key: str) -> ProviderPayment | None:
        """The payment as it stands now, or None if the key was never seen."""
        path = f"/payments/by-key/{in_path(idempotency_key)}"
        try:
            payment = (await self._service.get(path, PaymentBody)).to_payment()
        except NotFoundThere:
            return None
        if payment.idempotency_key != idempotency_key:
            self._service.reject_answer(path, changes=False)
        return payment

    async def forbid(
        self, order_id: OrderId, amount: Money, idempotency_key: str
    ) -> ProviderPayment | None:
        """Take a key out of use, unless a payment was made under it: then that payment."""
        body = expressed(
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
        """Take at most the authorised amount; capturing a captured payment returns it."""
        return await self._change("capture", reference, _amount(amount), idempotency_key)

    async def void(self, reference: str, idempotency_key: str) -> ProviderPayment:
        """Give an authorisation back; voiding a voided payment returns it."""
        return await self._change("void", reference, None, idempotency_key)

    async def refund(self, reference: str, amount: Money, idempotency_key: str) -> ProviderPayment:
        """Give captured money back, once per key."""
        return await self._change("refund", reference, _amount(amount), idempotency_key)

    async def payments(self) -> AsyncIterator[ProviderPayment]:
        """Every payment, in the order they were made."""
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
