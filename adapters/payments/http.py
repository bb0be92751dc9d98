"""A payment provider over HTTP, with the protocol of the payment sandbox."""

from collections.abc import AsyncIterator

from activities.ports import ChargeRequest, ProviderPayment, UnclearRecord
from adapters.providers.http_provider import HttpProvider
from adapters.providers.http_service import HttpService, build_body, in_path
from adapters.providers.provider import Provider
from adapters.providers.wire import (
    AmountBody,
    ChargeBody,
    ForbidChargeBody,
    PaymentBody,
    PaymentPage,
)
from domain.ids import OrderId
from domain.money import Money


class HttpPaymentGateway(HttpProvider[ProviderPayment]):
    """The payment provider at `base_url`; implements gateway and ledger.

    Args:
        base_url: http or https URL of the service.
        timeout_s: seconds for a whole call.
        provider: what all calls of this process to it pass.
    """

    def __init__(
        self, base_url: str, timeout_s: float = 10.0, provider: Provider | None = None
    ) -> None:
        service = HttpService(provider or Provider("payment provider"), base_url, timeout_s)
        super().__init__(service, "/payments", PaymentBody, "reference")

    async def charge(self, request: ChargeRequest) -> ProviderPayment:
        """Authorise or capture; the same key returns the first result."""
        body = build_body("charge", lambda: ChargeBody.of(request))
        return await self._post("", body, request.idempotency_key)

    async def read(self, reference: str) -> ProviderPayment:
        """The payment with a reference."""
        path = f"{self._path}/{in_path(reference)}"
        payment = (await self._service.get(path, self._answer)).to_record()
        if payment.reference != reference:
            self._service.reject_answer(path, changes=False)
        return payment

    async def forbid(
        self, order_id: OrderId, amount: Money, idempotency_key: str, installation: str
    ) -> ProviderPayment | None:
        """Make a key unusable; if a payment was made with it, return that payment."""
        body = build_body(
            "forbid",
            lambda: ForbidChargeBody(
                installation=installation,
                order_id=order_id,
                amount_minor=amount.minor,
                currency=amount.currency,
            ),
        )
        path, key = f"/by-key/{in_path(idempotency_key)}/forbid", idempotency_key
        return await self._post(path, body, key)

    async def capture(self, reference: str, amount: Money, idempotency_key: str) -> ProviderPayment:
        """Capture at most the authorised amount; a payment that is already captured is returned."""
        return await self._change("capture", reference, _amount(amount), idempotency_key)

    async def void(self, reference: str, idempotency_key: str) -> ProviderPayment:
        """Void an authorisation; a payment that is already voided is returned."""
        return await self._change("void", reference, None, idempotency_key)

    async def refund(self, reference: str, amount: Money, idempotency_key: str) -> ProviderPayment:
        """Refund captured money, once per key."""
        return await self._change("refund", reference, _amount(amount), idempotency_key)

    def payments(self) -> AsyncIterator[ProviderPayment | UnclearRecord]:
        """All payments, oldest first."""
        return self._listing(PaymentPage, lambda page: page.payments)

    async def _change(
        self, operation: str, reference: str, body: AmountBody | None, key: str
    ) -> ProviderPayment:
        path = f"/{in_path(reference)}/{operation}"
        return await self._post(path, body, key, reference=reference)


def _amount(amount: Money) -> AmountBody:
    return AmountBody(amount_minor=amount.minor, currency=amount.currency)
