"""Refunds of Stripe: each made once per key, however old the key is."""

from typing import Final

from stripe.params import RefundListParams

from activities.payment_port import ProviderRefund
from activities.ports import GatewayRejected, GatewayUnavailable
from adapters.payments.stripe.calls import StripeCalls
from adapters.payments.stripe.limits import to_stripe
from adapters.payments.stripe.records import KEY, RefundRecord, read
from domain.money import Money

_PAGE: Final = 100
_MOST_PAGES: Final = 100


class StripeRefunds:
    """Refunds payments.

    Args:
        calls: how Stripe is called.
    """

    def __init__(self, calls: StripeCalls) -> None:
        self._calls = calls

    async def all_of(self, reference: str) -> tuple[ProviderRefund, ...]:
        """Every refund of a payment, oldest first."""
        refunds: list[ProviderRefund] = []
        after = ""
        for _ in range(_MOST_PAGES):
            params: RefundListParams = {"payment_intent": reference, "limit": _PAGE}
            if after:
                params["starting_after"] = after
            async with self._calls.calling("list refunds"):
                listed = await self._calls.client.refunds.list_async(params)
            page = [read(item, RefundRecord, changes=False) for item in listed.data]
            refunds += [record.to_refund() for record in page]
            if not listed.has_more or not page or page[-1].id == after:
                return tuple(reversed(refunds))
            after = page[-1].id
        raise GatewayUnavailable("stripe list refunds: the payment has too many")

    async def make(self, reference: str, amount: Money, key: str) -> ProviderRefund:
        """The refund with a key as it is now; made if there is none."""
        refund = next(
            (one for one in await self.all_of(reference) if one.idempotency_key == key), None
        )
        if refund is None:
            return await self._create(reference, amount, key)
        if refund.amount != amount:
            raise GatewayRejected("stripe refund: this key was used for another amount")
        return refund

    async def read(self, refund_id: str) -> ProviderRefund:
        """The refund with an id."""
        async with self._calls.calling("retrieve refund"):
            answer = await self._calls.client.refunds.retrieve_async(refund_id)
        return read(answer, RefundRecord, changes=False).to_refund()

    async def _create(self, reference: str, amount: Money, key: str) -> ProviderRefund:
        try:
            units = to_stripe(amount)
        except ValueError as error:
            raise GatewayRejected(f"stripe refund: {error}") from None
        async with self._calls.calling("refund", changes=True, key=key):
            answer = await self._calls.client.refunds.create_async(
                {"payment_intent": reference, "amount": units, "metadata": {KEY: key}},
                {"idempotency_key": key},
            )
        return read(answer, RefundRecord, changes=True).to_refund()
