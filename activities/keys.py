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
    def payments(self) -> tuple[str, ...]:
        """Keys of its charges.

        Each one after the first replaces an expired authorisation, or a key that somebody else has
        used.
        """
        return self._numbered("payment")

    @property
    def labels(self) -> tuple[str, ...]:
        """Keys of its parcel's label; each one after the first replaces one that is taken."""
        return self._numbered("shipment")

    @property
    def capture(self) -> str:
        """Key of the capture of an authorisation."""
        return self._key("capture")

    def capture_after(self, declines: int) -> str:
        """Key of another capture, after so many that were declined."""
        return f"{self.capture}-{declines + 1}" if declines else self.capture

    @property
    def void(self) -> str:
        """Key of voiding an authorisation."""
        return self._key("void")

    @property
    def refund(self) -> str:
        """Key of refunding a payment."""
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

    def _numbered(self, what: str) -> tuple[str, ...]:
        first = self._key(what)
        return (first, *(f"{first}-{number}" for number in range(2, _USES + 1)))

    def _key(self, what: str) -> str:
        return f"{self.installation}:{order_stream(self.order_id)}:{what}"
