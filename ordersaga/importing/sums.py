"""What an order costs: lines, services and adjustments, proved by the sums that its file states.

Files leave open whether prices contain the tax, and what a discount is taken off. Every reading
that the format allows is tried; the one whose sums are those of the file is right. If none is, or
if two different ones are, the order is refused.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from ordersaga.importing.mapping import PROVED, AdjustmentRule

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Amount:
    """An adjustment as a file states it, in minor units, above zero where it takes off."""

    rule: AdjustmentRule
    minor: int
    description: str = ""


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line of the document, what it costs, and the file's adjustments of it.

    The document may hold an adjustment that belongs to the amount: it makes whole minor units.
    """

    document: Document
    amount: int
    adjustments: tuple[Amount, ...] = ()


@dataclass(frozen=True, slots=True)
class Stated:
    """The sums of the file in minor units; None: it states none."""

    subtotal: int | None
    total: int | None
    before_discounts: bool = False


class SumsDiffer(Exception):
    """No reading, or more than one, makes the stated sums; the text says which sums there are."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to understand the amounts.

    tax: the prices contain it. within: discounts of lines are a part of the order's. discount:
    what the order's discount is taken off; ``off``: off the shipping price already.
    """

    tax: bool
    within: bool
    discount: str


@dataclass(frozen=True, slots=True)
class Priced:
    """Lines and adjustments of the document, and what they cost together."""

    lines: list[Document]
    adjustments: list[Document]
    subtotal: int
    total: int


def priced(
    goods: Sequence[PricedLine],
    services: Sequence[PricedLine],
    amounts: Sequence[Amount],
    stated: Stated,
) -> Priced:
    """The one reading of the amounts that makes the stated sums.

    Raises:
        SumsDiffer: see there.
    """
    tried = [
        one
        for way in _readings(goods, amounts)
        if (one := _read(goods, services, amounts, way, stated))
    ]
    right = [one for one in tried if _fits(one, stated)]
    if len(right) == 1 or len(set(map(_effect, right))) == 1:
        return right[0]
    if right:
        raise SumsDiffer(
            "its sums allow several readings of tax or discount: say in a mapping "
            "which is right (included, within, of_shipping)"
        )
    raise SumsDiffer(_difference(tried, stated))


def _effect(one: Priced) -> str:
    """What is paid for what; what only informs makes no difference."""

    def counted(adjustments: Sequence[Document]) -> list[Document]:
        return [each for each in adjustments if not each.get("included")]

    lines = [line | {"adjustments": counted(line.get("adjustments", ()))} for line in one.lines]
    return json.dumps([lines, counted(one.adjustments)])


def _difference(tried: Sequence[Priced], stated: Stated) -> str:
    if not tried:
        return "the discounts of its lines are more than its discount"
    totals = " or ".join(str(total) for total in dict.fromkeys(one.total for one in tried))
    if stated.total not in (None, *(one.total for one in tried)):
        return f"the file says a total of {stated.total}, the lines make {totals} minor units"
    subtotals = " or ".join(str(sub) for sub in dict.fromkeys(one.subtotal for one in tried))
    return f"the file says a subtotal of {stated.subtotal}, the lines make {subtotals} minor units"


def _fits(one: Priced, stated: Stated) -> bool:
    return stated.total in (None, one.total) and stated.subtotal in (None, one.subtotal)


def _readings(goods: Sequence[PricedLine], amounts: Sequence[Amount]) -> Iterator[_Reading]:
    own = [one.rule for line in goods for one in line.adjustments if one.minor]
    rules = [one.rule for one in amounts if one.minor]
    tax = [False, True] if any(rule.included == PROVED for rule in (*own, *rules)) else [False]
    within = [True, False] if any(rule.within for rule in own) else [False]
    free = any(rule.of_shipping for rule in rules)
    discount = ["order", "shipping", "off"] if free else ["order"]
    for way in product(tax, within, discount):
        yield _Reading(*way)


def _read(
    goods: Sequence[PricedLine],
    services: Sequence[PricedLine],
    amounts: Sequence[Amount],
    way: _Reading,
    stated: Stated,
) -> Priced | None:
    """The amounts understood in one way; None if that is impossible."""
    inside = sum(one.minor for line in goods for one in line.adjustments if one.rule.within)
    rest = list(amounts)
    if way.within and inside:
        places = [n for n, one in enumerate(rest) if one.rule.kind == "discount"]
        if not places or rest[places[0]].minor < inside:
            return None
        rest[places[0]] = replace(rest[places[0]], minor=rest[places[0]].minor - inside)
    moved = [one for one in rest if one.rule.of_shipping and way.discount == "shipping"]
    place = next((n for n, one in enumerate(services) if one.document["kind"] == "shipping"), None)
    if any(one.minor for one in moved) and place is None:
        return None
    own = [_adjustments(line.adjustments, way) for line in goods]
    own += [_adjustments(moved, way) if n == place else [] for n in range(len(services))]
    whole = _adjustments([one for one in rest if one not in moved], way)
    everything = [*goods, *services]
    return Priced(
        [_with(line, adjustments) for line, adjustments in zip(everything, own, strict=True)],
        whole,
        _subtotal(goods, own, whole, before_discounts=stated.before_discounts),
        sum(line.amount for line in everything) + sum(map(_added, own)) + _added(whole),
    )


def _subtotal(
    goods: Sequence[PricedLine],
    own: Sequence[list[Document]],
    whole: Sequence[Document],
    *,
    before_discounts: bool,
) -> int:
    """What the goods cost, before or after discounts."""
    gross = sum(line.amount for line in goods)
    if before_discounts:
        return gross
    discounts = [one for one in whole if one["kind"] == "discount"]
    return gross + sum(map(_added, own[: len(goods)])) + _added(discounts)


def _with(line: PricedLine, adjustments: list[Document]) -> Document:
    own = [*line.document.get("adjustments", ()), *adjustments]
    return line.document | ({"adjustments": own} if own else {})


def _added(adjustments: Sequence[Document]) -> int:
    return sum(one["amount_minor"] for one in adjustments if not one.get("included"))


def _adjustments(amounts: Sequence[Amount], way: _Reading) -> list[Document]:
    return [_adjustment(one, way) for one in amounts if one.minor]


def _adjustment(one: Amount, way: _Reading) -> Document:
    rule = one.rule
    included = way.tax if rule.included == PROVED else bool(rule.included)
    included = included or (rule.of_shipping is not None and way.discount == "off")
    sign = 1 if rule.kind == "tax" else -1
    return {
        "kind": rule.kind.value,
        "amount_minor": sign * one.minor,
        "included": included,
        "description": one.description,
    }
