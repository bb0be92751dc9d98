"""What each piece of an order costs, to the minor unit: the one rule for partial refunds.

An adjustment of the whole order is spread over its lines in proportion to their amounts (quantity
times unit price, and the line's own adjustments): each gets the whole minor units of its part, and
the units that are left go to the largest remainders, among equal ones to the earlier line. If all
lines are free, they count alike.

The share of a line is spread over its pieces cumulatively: the first k of n pieces cost k/n of it,
rounded down. So whatever is removed or returned, and in whatever order, the parts add up to exactly
what was paid.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from domain.ids import LineId
from domain.lines import Content, LineShare, OrderLine, Pieces, adjusted, gift_cards
from domain.money import Money, total


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` (of any sign) in whole parts in proportion to `weights`, none of them negative."""
    if not any(weights):
        weights = [1] * len(weights)
    whole, sign = sum(weights), -1 if amount < 0 else 1
    parts = [abs(amount) * weight // whole for weight in weights]
    remainders = [abs(amount) * weight % whole for weight in weights]
    largest = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
    for index in largest[: abs(amount) - sum(parts)]:
        parts[index] += 1
    return [sign * part for part in parts]


@dataclass(frozen=True, slots=True)
class _Line:
    line: OrderLine
    amount: int
    gift_card: int


class Shares:
    """The shares of an order's lines in its total, as it was submitted."""

    def __init__(self, content: Content) -> None:
        self._content = content

    @cached_property
    def _lines(self) -> Mapping[LineId, _Line]:
        currency, lines = self._content.currency, self._content.lines
        weights = [line.amount.minor for line in lines]
        # All adjustments at once: spread one by one, rounding could take a line below zero.
        rest = spread(adjusted(self._content.adjustments, currency).minor, weights)
        cards = spread(gift_cards(self._content.adjustments, currency).minor, weights)
        return {
            line.line_id: _Line(
                line, weight + part, gift_cards(line.adjustments, currency).minor + card
            )
            for line, weight, part, card in zip(lines, weights, rest, cards, strict=True)
        }

    def of(self, line_id: LineId, quantity: int, after: int = 0) -> LineShare:
        """The share of `quantity` pieces of a line after the first `after` ones.

        Raises:
            KeyError: there is no such line.
        """
        share = self._lines[line_id]

        def part(whole: int) -> Money:
            pieces = share.line.quantity
            minor = whole * (after + quantity) // pieces - whole * after // pieces
            return Money(minor, self._content.currency)

        amount, gift_card = part(share.amount), part(share.gift_card)
        return LineShare(line_id, share.line.sku, quantity, amount, gift_card)

    def of_all(self, pieces: Iterable[OrderLine | Pieces]) -> tuple[LineShare, ...]:
        """The shares of the first pieces of several lines."""
        return tuple(self.of(item.line_id, item.quantity) for item in pieces)


def total_of(shares: Iterable[LineShare], currency: str) -> Money:
    """What is paid for all of them through the payment provider."""
    return total((share.amount for share in shares), currency)


def gift_card_of(shares: Iterable[LineShare], currency: str) -> Money:
    """What a gift card pays for all of them."""
    return total((share.gift_card for share in shares), currency)
