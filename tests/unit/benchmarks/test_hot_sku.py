"""What the benchmark of one product that everybody wants accepts, and what it does not."""

from benchmarks.hot_sku import HOT, MANY, ORDERS, Round, as_json, judge, problems, ratios, stocked
from benchmarks.saga_load import Placed

STOCKED = stocked(ORDERS)


def _placed(completed: int, refused: int, other: int = 0) -> list[Placed]:
    outcomes = [
        *[("completed", "None")] * completed,
        *[("cancelled", "out_of_stock")] * refused,
        *[("cancelled", "payment_declined")] * other,
    ]
    return [Placed(f"B{n}", *outcome, seconds=n / 1000) for n, outcome in enumerate(outcomes)]


def _round(per_s: float = 100.0, charged: frozenset[str] = frozenset(), extra: int = 0) -> Round:
    placed = _placed(STOCKED + extra, ORDERS - STOCKED - extra)
    return judge(placed, ORDERS / per_s, set(charged))


def test_exactly_the_stock_sold_at_half_the_speed_is_accepted() -> None:
    found = {HOT: [_round(50.0)] * 3, MANY: [_round(100.0)] * 3}
    assert ratios(found) == [0.5] * 3
    assert problems(found) == []
    assert as_json(found)["ratio"] == 0.5


def test_one_order_too_many_is_a_problem() -> None:
    found = {HOT: [_round(), _round(extra=1)], MANY: [_round()] * 2}
    assert problems(found) == ["one SKU: 301 completed, 199 refused, 0 otherwise"]


def test_another_outcome_than_the_two_is_a_problem() -> None:
    strange = judge(_placed(STOCKED, ORDERS - STOCKED - 1, other=1), 1.0, set())
    found = {HOT: [strange], MANY: [strange]}
    assert "one SKU: 300 completed, 199 refused, 1 otherwise" in problems(found)


def test_a_loser_who_was_charged_is_a_problem_and_a_winner_is_not() -> None:
    charged = frozenset({"B0", f"B{STOCKED}"})  # the first winner and the first loser
    found = {HOT: [_round(charged=charged)], MANY: [_round()]}
    assert problems(found) == ["one SKU: 1 losers were charged"]


def test_a_median_below_the_bar_is_a_problem() -> None:
    found = {HOT: [_round(40.0), _round(45.0), _round(90.0)], MANY: [_round(100.0)] * 3}
    assert problems(found) == ["throughput is 0.45 of that over many SKUs"]
