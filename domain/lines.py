"""What an order is made of: lines of goods and services, and adjustments of what they cost."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.ids import LineId, Sku
from domain.money import Money, total


class LineKind(StrEnum):
    """What a line sells.

    Goods take stock and go into the parcel. All others are services: they need neither, and cannot
    go back into stock.
    """

    GOODS = "goods"
    SHIPPING = "shipping"
    TIP = "tip"
    GIFT_WRAP = "gift_wrap"
    DIGITAL = "digital"
    SERVICE = "service"


class AdjustmentKind(StrEnum):
    """Why a sum is adjusted."""

    DISCOUNT = "discount"
    TAX = "tax"
    GIFT_CARD = "gift_card"


LOWERING: Final = frozenset({AdjustmentKind.DISCOUNT, AdjustmentKind.GIFT_CARD})
"""Kinds that are never above zero."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An amount that is added to the sum of a line or of an order; negative: taken off.

    `included`: it only informs, because the prices contain it, as they do a tax in many countries.
    """

    kind: AdjustmentKind
    amount: Money
    included: bool = False
    description: str = ""


def adjusted(adjustments: Iterable[Adjustment], currency: str) -> Money:
    """What adjustments change a sum by."""
    return total((one.amount for one in adjustments if not one.included), currency)


def gift_cards(adjustments: Iterable[Adjustment], currency: str) -> Money:
    """What gift cards pay: the sum of their adjustments as a positive amount."""
    cards = (one for one in adjustments if one.kind is AdjustmentKind.GIFT_CARD)
    return Money.zero(currency) - adjusted(cards, currency)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """`quantity` pieces (at least 1) at `unit_price` each, with adjustments of their own.

    `code` is what the shop calls the product: the SKU of goods; a service may have none.
    """

    line_id: LineId
    code: Sku | None
    description: str
    quantity: int
    unit_price: Money
    kind: LineKind = LineKind.GOODS
    adjustments: tuple[Adjustment, ...] = ()

    @property
    def sku(self) -> Sku | None:
        """The SKU whose stock the line takes; None for a service."""
        return self.code if self.kind is LineKind.GOODS else None

    @property
    def amount(self) -> Money:
        """Quantity times unit price, and its own adjustments."""
        pieces = self.unit_price * self.quantity
        if not self.adjustments:
            return pieces
        return pieces + adjusted(self.adjustments, self.unit_price.currency)


@dataclass(frozen=True, slots=True)
class Content:
    """Lines, and adjustments of the whole order."""

    currency: str
    lines: tuple[OrderLine, ...]
    adjustments: tuple[Adjustment, ...] = ()

    @property
    def total(self) -> Money:
        """What is to be paid: all lines and all adjustments."""
        lines = total((line.amount for line in self.lines), self.currency)
        return lines + adjusted(self.adjustments, self.currency)


@dataclass(frozen=True, slots=True)
class Pieces:
    """`quantity` pieces of a line."""

    line_id: LineId
    quantity: int


@dataclass(frozen=True, slots=True)
class LineShare:
    """Pieces of a line and their share of what the order costs.

    Attributes:
        sku: the SKU whose stock they take; None for a service.
        amount: what is paid for them through the payment provider.
        gift_card: what a gift card pays for them; the shop's own affair.
    """

    line_id: LineId
    sku: Sku | None
    quantity: int
    amount: Money
    gift_card: Money


def pieces_by_sku(lines: Iterable[OrderLine | LineShare]) -> dict[Sku, int]:
    """Pieces of goods by SKU, in the order of the lines; services have none."""
    pieces: dict[Sku, int] = {}
    for line in lines:
        if (sku := line.sku) is not None:
            pieces[sku] = pieces.get(sku, 0) + line.quantity
    return pieces


def pieces_by_line(pieces: Iterable[Pieces | LineShare]) -> Counter[LineId]:
    """Pieces by line; those of the same line add up."""
    counted: Counter[LineId] = Counter()
    for item in pieces:
        counted[item.line_id] += item.quantity
    return counted


def kept_by_line(lines: Iterable[OrderLine], held: Mapping[Sku, int]) -> tuple[Pieces, ...]:
    """The pieces of each line if only `held` pieces of each SKU are there.

    Earlier lines of a SKU get theirs first; services stay as they are.
    """
    left = dict(held)
    kept = []
    for line in lines:
        quantity = line.quantity if line.sku is None else min(line.quantity, left.get(line.sku, 0))
        if line.sku is not None:
            left[line.sku] = left.get(line.sku, 0) - quantity
        kept.append(Pieces(line.line_id, quantity))
    return tuple(kept)
