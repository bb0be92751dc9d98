"""A payment provider over HTTP, with the protocol of the payment sandbox."""

from collections.abc import AsyncIterator

from activities.payment_port import PaymentRequest, ProviderPayment, ProviderRefund
from activities.ports import Identity, UnclearRecord
from adapters.providers.http_provider import HttpProvider
from adapters.providers.http_service import HttpService, build_body, in_path
from adapters.providers.payment_rules import SandboxLimits
from adapters.providers.provider import Provider
from adapters.providers.wire import (
    AmountBody,
    ClaimBody,
    CreatePaymentBody,
    PaymentBody,
    PaymentPage,
    RefundBody,
    RefundsBody,
)
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
        self.limits = SandboxLimits()

    async def create(self, request: PaymentRequest) -> ProviderPayment:
        """Create a payment; the same key returns it again."""
        body = build_body("payment", lambda: CreatePaymentBody.of(request))
        return await self._post("", body, request.idempotency_key)

    async def confirm(self, reference: str) -> ProviderPayment:
        """Authorise or capture a payment that was created."""
        return await self._change("confirm", reference)

    async def read(self, reference: str) -> ProviderPayment:
        """The payment with a reference."""
        path = f"{self._path}/{in_path(reference)}"
        payment = (await self._service.get(path, self._answer)).to_record()
        if payment.reference != reference:
            self._service.reject_answer(path, changes=False)
        return payment

    async def claim(self, reference: str, identity: Identity) -> ProviderPayment:
        """Write whose it is into a payment that has no key."""
        body = build_body("claim", lambda: ClaimBody.of(identity))
        return await self._change("claim", reference, body)

    async def capture(self, reference: str, amount: Money) -> ProviderPayment:
        """Capture at most the authorised amount; a payment that is over is returned."""
        return await self._change("capture", reference, _amount(amount))

    async def void(self, reference: str) -> ProviderPayment:
        """End a payment that was not captured; a payment that is over is returned."""
        return await self._change("void", reference)

    async def refund(self, reference: str, amount: Money, idempotency_key: str) -> ProviderRefund:
        """Refund captured money, once per key."""
        path = f"{self._path}/{in_path(reference)}/refunds"
        body = _amount(amount)
        return (await self._service.post(path, body, idempotency_key, RefundBody)).to_refund()

    async def refunds(self, reference: str) -> tuple[ProviderRefund, ...]:
        """Every refund of a payment, oldest first."""
        path = f"{self._path}/{in_path(reference)}/refunds"
        body = await self._service.get(path, RefundsBody)
        return tuple(refund.to_refund() for refund in body.refunds)

    async def read_refund(self, reference: str, refund_id: str) -> ProviderRefund:
        """The refund of a payment with the provider's id."""
        path = f"/refunds/{in_path(reference)}/{in_path(refund_id)}"
        return (await self._service.get(path, RefundBody)).to_refund()

    async def payments(self) -> AsyncIterator[ProviderPayment | UnclearRecord]:
        """All payments that carry an order, oldest first."""
        async for one in self._listing(PaymentPage, lambda page: page.payments):
            if isinstance(one, UnclearRecord) or one.idempotency_key:
                yield one

    async def _change(
        self, operation: str, reference: str, body: AmountBody | ClaimBody | None = None
    ) -> ProviderPayment:
        path = f"/{in_path(reference)}/{operation}"
        return await self._post(path, body, None, reference=reference)


def _amount(amount: Money) -> AmountBody:
    return AmountBody(amount_minor=amount.minor, currency=amount.currency)
