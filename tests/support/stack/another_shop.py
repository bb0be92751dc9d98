"""Another shop on the same account at the payment provider, which uses our order numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from activities.keys import OrderKeys
from activities.payment_port import PaymentRequest, ProviderPayment
from domain.ids import OrderId
from domain.money import Money
from domain.values import CaptureMode
from ordersaga.bootstrap.providers import Payments
from ordersaga.operations.verification.report import Report
from tests.support.stack.chaos_shop import patiently
from tests.support.stack.payment_examples import charge

INSTALLATION: Final = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
PRICE_MINOR: Final = 9900


@dataclass(slots=True)
class AnotherShop:
    """Takes money for some order numbers of ours, and looks whether it still has it.

    It waits where the account's limit of requests is reached.
    """

    gateway: Payments
    card: str = "tok_visa"
    payments: list[ProviderPayment] = field(default_factory=list)

    async def charge(self, order_ids: Sequence[OrderId]) -> None:
        """Charge one order of each number."""
        for order_id in order_ids:
            keys = OrderKeys(INSTALLATION, order_id)
            mode, price = CaptureMode.AUTOMATIC, Money(PRICE_MINOR, "GBP")
            request = PaymentRequest(
                order_id, price, self.card, mode, keys.payment, keys.installation
            )
            self.payments.append(await patiently(partial(charge, self.gateway, request)))

    async def problems(self, report: Report) -> list[str]:
        """Its payments that are not as they were, or that `verify` does not show."""
        shown = {each.reference for each in report.foreign}
        return [
            f"payment {before.reference} of another shop was touched, or is not shown"
            for before in self.payments
            if before.reference not in shown or await self._now(before) != before
        ]

    async def _now(self, payment: ProviderPayment) -> ProviderPayment:
        return await patiently(partial(self.gateway.read, payment.reference))
