"""The invariants that can be checked by events alone."""

from collections import Counter
from collections.abc import Iterator

from domain.ids import OrderId, Sku
from domain.money import Money, format_amount
from domain.values import FailureKind
from ordersaga.operations.verification.facts import Facts, OrderFacts, Stage
from ordersaga.operations.verification.report import Finding, Rule, judged


def check_events(facts: Facts) -> Iterator[Finding]:
    """Every violation that `facts` shows."""
    for sku, stock in facts.stock.items():
        if stock.lowest < 0:
            actual = (
                f"{stock.on_hand} on hand, {stock.reserved} reserved, {stock.waiting} waited for, "
                f"lowest {stock.lowest}"
            )
            yield Finding(Rule.STOCK_BELOW_ZERO, sku, "never below 0", actual)
    for order_id, order in facts.orders.items():
        yield from judged(order_id, _check_order(order_id, order))


def _check_order(order_id: OrderId, order: OrderFacts) -> Iterator[Finding]:
    total = order.submitted_total
    if total is not None and total.minor != order.sum_minor:
        expected = f"lines and adjustments: {money_text(Money(order.sum_minor, total.currency))}"
        yield Finding(Rule.TOTAL_IS_THE_SUM, order_id, expected, money_text(total))
    if order.stage not in (Stage.SUBMITTED, Stage.BACKORDERED):
        yield from _waits_for_nothing(order_id, order)
    match order.stage:
        case Stage.COMPLETED:
            yield from _reservation_ended(order_id, order)
            yield from _completed(order_id, order)
        case Stage.CANCELLED:
            yield from _cancelled(order_id, order)
        case Stage.RESERVED | Stage.PROCESSING:
            yield from _reservation_fits(order_id, order)
        case Stage.SUBMITTED | Stage.BACKORDERED:
            yield from _claim_fits(order_id, order)
        case _:
            yield from _reservation_ended(order_id, order)


def _waits_for_nothing(order_id: OrderId, order: OrderFacts) -> Iterator[Finding]:
    if waiting := _nonzero(order.waiting):
        expected = f"waits for nothing: the order is {order.stage}"
        yield Finding(
            Rule.WAITING_WITHOUT_BACKORDER, order_id, expected, f"waits for {pieces_text(waiting)}"
        )


def _reservation_ended(order_id: OrderId, order: OrderFacts) -> Iterator[Finding]:
    if held := _nonzero(order.reserved):
        expected = f"nothing reserved: the order is {order.stage}"
        yield Finding(
            Rule.RESERVATION_WITHOUT_OPEN_ORDER, order_id, expected, f"reserved {pieces_text(held)}"
        )


def _claim_fits(order_id: OrderId, order: OrderFacts) -> Iterator[Finding]:
    """A waiting order has reserved a part of its pieces, and queues for at most the rest."""
    claimed = _nonzero(order.reserved + order.waiting)
    if claimed - order.pieces:
        expected = f"reserved or waited for at most {pieces_text(order.pieces)}"
        actual = f"reserved {pieces_text(_nonzero(order.reserved))}, waits for "
        yield Finding(
            Rule.RESERVATION_DIFFERS_FROM_ORDER,
            order_id,
            expected,
            actual + pieces_text(_nonzero(order.waiting)),
        )


def _reservation_fits(order_id: OrderId, order: OrderFacts) -> Iterator[Finding]:
    held = _nonzero(order.reserved)
    if held != order.pieces:
        yield Finding(
            Rule.RESERVATION_DIFFERS_FROM_ORDER,
            order_id,
            f"reserved {pieces_text(order.pieces)}",
            f"reserved {pieces_text(held)}",
        )


def _completed(order_id: OrderId, order: OrderFacts) -> Iterator[Finding]:
    free = order.total is not None and order.total.minor == 0 and order.kept_minor == 0
    if not (free or order.kept_money == [order.owed]) or order.holds:
        yield Finding(
            Rule.COMPLETED_CAPTURED_ONCE,
            order_id,
            f"captured once, and kept: {money_text(order.owed)}",
            _money_found(order),
        )
    labels = 1 if order.pieces else 0
    if len(order.live_labels) != labels:
        actual = f"{len(order.live_labels)} live labels {sorted(order.live_labels)}"
        expected = "1 live label" if labels else "no label: the order has no goods"
        yield Finding(Rule.COMPLETED_LABELLED_ONCE, order_id, expected, actual)
    if _nonzero(order.shipped) != order.pieces:
        yield Finding(
            Rule.COMPLETED_PIECES_SHIPPED,
            order_id,
            f"shipped {pieces_text(order.pieces)}",
            f"shipped {pieces_text(_nonzero(order.shipped))}",
        )
    yield from _returned(order_id, order)


def _returned(order_id: OrderId, order: OrderFacts) -> Iterator[Finding]:
    returns = order.returns
    for rule, pieces, limit in (
        (Rule.RETURNS_WITHIN_SHIPMENT, returns.returned, order.shipped),
        (Rule.RESTOCKED_WITHIN_RETURNS, returns.restocked, returns.returned),
    ):
        if not pieces <= limit:
            yield Finding(
                rule, order_id, f"at most {pieces_text(_nonzero(limit))}", pieces_text(pieces)
            )
    # What an amendment refunded cannot be refunded again.
    captured = sum(capture.amount.minor for capture in order.captures)
    captured = min(captured, order.total.minor) if order.total else captured
    if not returns.refunded_minor <= returns.granted_minor <= captured:
        actual = f"granted {returns.granted_minor}, refunded {returns.refunded_minor} minor units"
        yield Finding(
            Rule.REFUNDS_WITHIN_CAPTURE, order_id, f"at most {captured} minor units", actual
        )


def _cancelled(order_id: OrderId, order: OrderFacts) -> Iterator[Finding]:
    yield from _cause(order_id, order)
    held, shipped = _nonzero(order.reserved), _nonzero(order.shipped)
    left = order.pieces if order.given_up else Counter[Sku]()
    if held or shipped != left:
        expected = f"nothing reserved, shipped {pieces_text(left)}"
        actual = f"reserved {pieces_text(held)}, shipped {pieces_text(shipped)}"
        yield Finding(Rule.CANCELLED_HOLDS_STOCK, order_id, expected, actual)
    if order.kept_minor or order.holds:
        yield Finding(Rule.CANCELLED_HOLDS_MONEY, order_id, "no money held", _money_found(order))
    if len(order.live_labels) > order.given_up:
        actual = f"live labels {sorted(order.live_labels)}"
        yield Finding(Rule.CANCELLED_HOLDS_LABEL, order_id, "no live label", actual)
    yield from _returned(order_id, order)


def _cause(order_id: OrderId, order: OrderFacts) -> Iterator[Finding]:
    """An order is cancelled by an answer, a request or a deadline, and by nothing else."""
    reason = order.cancelled_for or ""
    failed = [kind for kind, why in order.step_failures if why == reason]
    if reason not in _CAUSES:
        expected, actual = f"one of {', '.join(sorted(_CAUSES))}", reason
    elif reason == _OUTAGE and order.says_wait:
        expected, actual = "not for an outage: the order waits", reason
    elif reason != _OUTAGE and any(kind is not FailureKind.REFUSED for kind in failed):
        expected, actual = f"{reason}: an answer", f"{reason}: a failure without an answer"
    else:
        return
    yield Finding(Rule.CANCELLED_FOR_A_CAUSE, order_id, expected, actual)


def _money_found(order: OrderFacts) -> str:
    parts = [
        *(f"captured {money_text(capture.amount)}" for capture in order.captures),
        *(f"refunded {money_text(refund)}" for refund in order.refunds),
        *(f"authorised {money_text(hold)}" for hold in order.holds.values()),
    ]
    return ", ".join(parts) or "no payment"


def money_text(amount: Money | None) -> str:
    """An amount for people; a dash for None."""
    return "-" if amount is None else format_amount(amount)


def pieces_text(pieces: Counter[Sku]) -> str:
    """Pieces per SKU for people, sorted; only the first few if there are many."""
    first = [f"{count} of {sku}" for sku, count in sorted(pieces.items())[:_SHOWN]]
    more = len(pieces) - len(first)
    return ", ".join(first) + (f" and {more} more" if more > 0 else "") or "nothing"


_SHOWN = 5

_OUTAGE = "provider_outage"
_CAUSES = frozenset(
    {
        "out_of_stock",
        "payment_declined",
        "address_refused",
        "not_fulfillable",
        "customer_request",
        "operator_request",
        "reservation_expired",
        _OUTAGE,
    }
)
"""The causes of the business: spelled out here, so that nobody adds one unseen."""


def _nonzero(pieces: Counter[Sku]) -> Counter[Sku]:
    return Counter({sku: count for sku, count in pieces.items() if count})
