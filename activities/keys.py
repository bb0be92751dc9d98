"""Idempotency keys, by which payment provider and carrier recognise a repeated request.

They depend on the installation and the order alone, so a retry, another worker, another run of the
saga and a recovery after the loss of Temporal all use the same key, and nobody else does.
"""

from dataclasses import dataclass
from typing import Final

from domain.ids import OrderId, ReturnId, order_stream
from domain.money import Money

_USES: Final = 3


@dataclass(frozen=True, slots=True)
class OrderKeys:
    """The keys of one order of an installation."""

    installation: str
    order_id: OrderId

    @property
    def payment(self) -> str:
        """The first key under which its payment is created."""
        return self._key("payment")

    def is_of_payment(self, key: str) -> bool:
        """Whether the order's payment may have been created under `key`."""
        return key == self.payment or self._number(key) is not None

    def payment_after(self, key: str) -> str:
        """The key to create its payment with once `key` is used up."""
        return f"{self.payment}-{(self._number(key) or 1) + 1}"

    @property
    def labels(self) -> tuple[str, ...]:
        """Keys of its parcel's label; each one after the first replaces one that is taken."""
        return self._numbered("shipment")

    @property
    def refund(self) -> str:
        """Key of refunding a payment; this one and the next two: of its first attempt."""
        return self._key("refund")

    def return_refund(self, return_id: ReturnId) -> str:
        """Key of the refund for one return."""
        return self._key(f"refund:{return_id}")

    def amendment_refund(self, total: Money) -> str:
        """Key of refunding what was paid beyond an amended total; each total has its own key."""
        return self._key(f"amended-to-{total.minor}")

    @property
    def cancel_label(self) -> str:
        """Key of cancelling the label."""
        return self._key("cancel-label")

    def _number(self, key: str) -> int | None:
        """The number of a payment's key after the first."""
        first, dash, number = key.rpartition("-")
        counts = number.isascii() and number.isdigit() and not number.startswith("0")
        return int(number) if first == self.payment and dash and counts else None

    def _numbered(self, what: str) -> tuple[str, ...]:
        first = self._key(what)
        return (first, *(f"{first}-{number}" for number in range(2, _USES + 1)))

    def _key(self, what: str) -> str:
        return f"{self.installation}:{order_stream(self.order_id)}:{what}"
