"""What each piece of an order costs: all parts together are what was paid, to the minor unit."""

import random
from collections import Counter
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import LineId, OrderId, ReturnId, Sku
from domain.lines import Adjustment, AdjustmentKind, Content, LineKind, OrderLine, Pieces
from domain.money import Money
from domain.order import decisions
from domain.order.commands import AmendOrder
from domain.order.evolution import evolve
from domain.order.state import FrozenOrder, Reserved
from domain.returns import decisions as returns
from domain.returns import state as returns_state
from domain.returns.commands import GrantRefund, OpenReturn
from domain.returns.values import ReturnKind
from domain.shares import Shares, gift_card_of, spread, total_of
from tests.support.sagas.domain_samples import CARD, LEEDS, NOON, gbp

BY = ("ann", "broken")
DISCOUNT, TAX, GIFT_CARD = AdjustmentKind.DISCOUNT, AdjustmentKind.TAX, AdjustmentKind.GIFT_CARD


def line(number: int, quantity: int, price: int, *adjustments: Adjustment) -> OrderLine:
    line_id, sku = LineId(str(number)), Sku(f"S{number}")
    return OrderLine(line_id, sku, "THING", quantity, gbp(price), adjustments=adjustments)


def off(minor: int, kind: AdjustmentKind = DISCOUNT) -> Adjustment:
    return Adjustment(kind, gbp(-minor))


# --- the rule ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),  # ties go to the earlier line
        (-100, [1, 1, 1], [-34, -33, -33]),
        (-2, [1, 1, 1], [-1, -1, 0]),
        (10, [1, 2, 2], [2, 4, 4]),
        (7, [3, 2, 1], [4, 2, 1]),  # 3.5, 2.33, 1.17: the largest remainder
        (5, [0, 3], [0, 5]),
        (5, [0, 0, 0], [2, 2, 1]),  # free lines count alike
        (0, [4, 4], [0, 0]),
        (1, [10**15, 1], [1, 0]),
    ],
)
def test_an_amount_is_spread_by_the_largest_remainders(
    amount: int, weights: list[int], parts: list[int]
) -> None:
    assert spread(amount, weights) == parts


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 10**15), min_size=1, max_size=9))
def test_a_spread_amount_is_whole_and_next_to_its_proportion(
    amount: int, weights: list[int]
) -> None:
    parts = spread(amount, weights)
    assert sum(parts) == amount
    if whole := sum(weights):
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part * whole - amount * weight) < whole
            assert weight or not part


def test_pieces_that_do_not_divide_evenly_cost_more_later() -> None:
    shares = Shares(Content("GBP", (line(1, 3, 1000, off(100)),)))
    assert [shares.of(LineId("1"), 1, after).amount.minor for after in range(3)] == [966, 967, 967]


def test_included_tax_is_no_part_of_any_share() -> None:
    vat = Adjustment(TAX, gbp(400), included=True)
    shares = Shares(Content("GBP", (line(1, 2, 1200, vat),), (vat,)))
    assert shares.of(LineId("1"), 2).amount == gbp(2400)


def test_a_gift_card_pays_its_part_of_each_piece() -> None:
    content = Content("GBP", (line(1, 2, 5000), line(2, 1, 2500)), (off(3000, GIFT_CARD),))
    shares = Shares(content).of_all(content.lines)
    assert [(x.amount.minor, x.gift_card.minor) for x in shares] == [(7600, 2400), (1900, 600)]
    assert total_of(shares, "GBP") == content.total == gbp(9500)


def test_discounts_that_are_spread_together_take_no_line_below_zero() -> None:
    content = Content("GBP", (line(1, 1, 1), line(2, 1, 1), line(3, 1, 1)), (off(1),) * 3)
    assert [share.amount.minor for share in Shares(content).of_all(content.lines)] == [0, 0, 0]


# --- any order, given back in any parts ----------------------------------------------------------


def content(draw: random.Random) -> Content:
    """An order as a shop may have it, with a total of at least 0."""
    lines = tuple(_line(draw, number) for number in range(1, draw.randint(2, 6)))
    adjustments = [_adjustment(draw, kind) for kind in draw.choices([*AdjustmentKind], k=2)]
    order = Content("GBP", lines, tuple(adjustments[: draw.randint(0, 2)]))
    return order if order.total.minor >= 0 else Content("GBP", lines)


def _line(draw: random.Random, number: int) -> OrderLine:
    price, quantity = draw.choice([0, 1, 99, 333, 1000, 123_457]), draw.choice([1, 1, 2, 3, 7])
    kind = draw.choice([LineKind.GOODS, LineKind.GOODS, LineKind.SHIPPING])
    adjustments = [
        off(draw.randint(0, price * quantity), draw.choice([DISCOUNT, GIFT_CARD])),
        Adjustment(TAX, gbp(draw.randint(0, 500)), included=draw.random() < 0.5),
    ]
    line_id, sku = LineId(str(number)), Sku(f"S{number}")
    some = tuple(adjustments[: draw.randint(0, 2)])
    return OrderLine(line_id, sku, "THING", quantity, gbp(price), kind, some)


def _adjustment(draw: random.Random, kind: AdjustmentKind) -> Adjustment:
    amount = draw.choice([0, 1, 7, 100, 12_345])
    return Adjustment(kind, gbp(amount if kind is TAX else -amount), draw.random() < 0.1)


def submitted(order: Content) -> FrozenOrder:
    return FrozenOrder(
        OrderId("A1"), None, NOON, order.lines, order, LEEDS, LEEDS, order.total, CARD
    )


def amended(order: FrozenOrder, draw: random.Random) -> tuple[FrozenOrder, int]:
    """The order after some pieces were removed, and what was paid back for them."""
    back = 0
    for _ in range(draw.randint(0, 2)):
        kept = tuple(Pieces(x.line_id, draw.randint(0, x.quantity)) for x in order.lines)
        if any(item.quantity for item in kept):
            state = Reserved(order)
            for event in decisions.decide(AmendOrder(kept), state):
                after = evolve(state, event)
                assert isinstance(after, Reserved)
                back += order.total.minor - after.order.total.minor
                order = after.order
    return order, back


def returned(order: FrozenOrder, draw: random.Random) -> tuple[int, int]:
    """What is paid back by the provider and by the gift card if all comes back piece by piece."""
    state, left, number, refunded = returns_state.INITIAL, Counter[LineId](), 0, 0
    left.update({line.line_id: line.quantity for line in order.lines})
    shipped = tuple(Pieces(line.line_id, line.quantity) for line in order.lines)
    while +left:
        number += 1
        return_id = ReturnId(f"R{number}")
        chosen = draw.choice(sorted(+left))
        some = draw.randint(1, left[chosen])
        left[chosen] -= some
        commands = (
            OpenReturn(
                order.order_id,
                return_id,
                ReturnKind.CUSTOMER,
                (Pieces(chosen, some),),
                shipped,
                order.submitted,
                *BY,
            ),
            GrantRefund(return_id, None, order.total, *BY),
        )
        for command in commands:
            state = reduce(returns_state.evolve, returns.decide(command, state), state)
        refund = state.cases[return_id].refund
        assert refund is not None
        assert refund.minor >= 0
        refunded += refund.minor
        assert refunded <= order.total.minor
    return refunded, sum(case.gift_card.minor for case in state.cases.values())


def test_whatever_parts_of_10000_orders_are_given_back_they_end_at_what_was_paid() -> None:
    draw = random.Random(2026)
    for _ in range(10_000):
        order = submitted(content(draw))
        after, back = amended(order, draw)
        assert after.total.minor >= 0
        assert total_of(after.shares, "GBP") == after.total
        refunded, from_card = returned(after, draw)
        assert back + refunded == order.total.minor
        assert from_card == after.gift_card.minor
    assert back >= 0


@given(st.randoms(use_true_random=False))
def test_the_shares_of_all_lines_are_the_total_and_the_gift_card(draw: random.Random) -> None:
    order = content(draw)
    shares = Shares(order).of_all(order.lines)
    assert total_of(shares, "GBP") == order.total
    lists = [order.adjustments, *(line.adjustments for line in order.lines)]
    cards = [x for each in lists for x in each if x.kind is GIFT_CARD and not x.included]
    assert gift_card_of(shares, "GBP") == Money(-sum(x.amount.minor for x in cards), "GBP")
    assert all(share.amount.minor >= 0 for share in shares)
