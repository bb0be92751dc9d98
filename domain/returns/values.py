"""Values of what comes back after an order was shipped: kinds of cases, pieces, returned lines."""

from dataclasses import dataclass
from enum import StrEnum

from domain.ids import Sku
from domain.money import Money


class ReturnKind(StrEnum):
    """Why goods or money go back: the customer, the carrier's loss, or an undelivered parcel."""

    CUSTOMER = "customer"
    LOST = "lost"
    RETURNED_TO_SENDER = "returned_to_sender"


@dataclass(frozen=True, slots=True)
class Pieces:
    """`quantity` pieces (at least 1) of `sku`."""

    sku: Sku
    quantity: int


@dataclass(frozen=True, slots=True)
class ReturnedLine:
    """`quantity` pieces of `sku`, sold at `unit_price` each."""

    sku: Sku
    quantity: int
    unit_price: Money

    @property
    def amount(self) -> Money:
        """Quantity times unit price."""
        return self.unit_price * self.quantity
