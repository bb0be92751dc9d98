"""Compares the ledgers of the providers with our events.

They hold what is our orders' own (see `ownership`), and are read after the events. Orders that had
ended by then no longer change, so a running system causes no false alarm. Open orders are only
checked for being charged or labelled twice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from activities.payment_port import PaymentStatus, ProviderPayment
from activities.ports import CarrierLabel, LabelStatus
from domain.ids import OrderId
from domain.money import Money
from ordersaga.operations.verification.facts import Facts, OrderFacts, Stage
from ordersaga.operations.verification.report import Comparison, Finding, MoneyFound, Rule, judged
from ordersaga.operations.verification.rules import money_text

Payments = Mapping[OrderId, Sequence[ProviderPayment]]
Labels = Mapping[OrderId, Sequence[CarrierLabel]]


def kept(payment: ProviderPayment) -> int:
    """Minor units that the provider holds or has captured, less refunds."""
    if payment.status in (PaymentStatus.CAPTURED, PaymentStatus.REFUNDED):
        return payment.amount.minor - payment.refunded.minor
    return payment.amount.minor if payment.status is PaymentStatus.AUTHORISED else 0


# --- payments ------------------------------------------------------------------------------------


def check_payments(facts: Facts, ledger: Payments, now: Facts | None = None) -> Iterator[Finding]:
    """Every violation that the provider's ledger shows.

    Args:
        facts: the events up to the time before the ledger was read.
        ledger: the provider's payments.
        now: newer facts, because refunds may have been granted meanwhile.
    """
    for order_id in facts.orders.keys() | ledger.keys():
        payments = ledger.get(order_id, [])
        order = facts.orders.get(order_id, OrderFacts())
        granted = max(order.returns.granted_minor, _granted(now, order_id))
        yield from judged(order_id, _check_payment(order_id, order, payments, granted))


def _granted(now: Facts | None, order_id: OrderId) -> int:
    return now.orders[order_id].returns.granted_minor if now and order_id in now.orders else 0


def _check_payment(
    order_id: OrderId, order: OrderFacts, payments: Sequence[ProviderPayment], granted: int
) -> Iterator[Finding]:
    held = [payment for payment in payments if kept(payment)]
    actual = _payments_text(held)
    match order.stage:
        case Stage.COMPLETED:
            if not _is_the_payment(order, payments, granted):
                expected = f"captured once, and kept: {_our_payment(order)}"
                yield Finding(Rule.PROVIDER_COMPLETED_PAYMENT, order_id, expected, actual)
            return
        case Stage.CANCELLED:
            rule, allowed = Rule.PROVIDER_CANCELLED_PAYMENT, 0
        case Stage.NEVER | Stage.DRAFT:
            # Money is never requested before the order is submitted.
            rule, allowed = Rule.PROVIDER_UNKNOWN_PAYMENT, 0
        case _:
            rule, allowed = Rule.PROVIDER_OPEN_PAYMENT, 1
    if len(held) > allowed:
        yield Finding(rule, order_id, f"at most {allowed} payments that hold money", actual)


def _is_the_payment(order: OrderFacts, payments: Sequence[ProviderPayment], granted: int) -> bool:
    ours = [(capture.reference, capture.amount) for capture in order.captures]
    # A fully refunded payment keeps nothing; it still belongs to the order that captured it.
    theirs = [payment for payment in payments if kept(payment) or _is_ours(payment, order)]
    if order.total is None or order.owed is None:
        return False
    if not theirs and not order.captures:
        return order.total.minor == 0
    if len(theirs) != 1:
        return False
    (payment,) = theirs
    return (
        payment.status in (PaymentStatus.CAPTURED, PaymentStatus.REFUNDED)
        and payment.amount.currency == order.total.currency
        # A granted refund may be made at any moment.
        and order.total.minor - granted <= kept(payment) <= order.owed.minor
        # A double capture in our events violates another rule.
        and (payment.reference, payment.amount) in ours
    )


def _is_ours(payment: ProviderPayment, order: OrderFacts) -> bool:
    return payment.reference in {capture.reference for capture in order.captures}


def _our_payment(order: OrderFacts) -> str:
    references = sorted({capture.reference for capture in order.captures})
    return f"{money_text(order.owed)} under {', '.join(references) or 'no reference'}"


def _payments_text(held: Iterable[ProviderPayment]) -> str:
    texts = (
        f"{payment.status} {money_text(payment.amount)} (refunded {money_text(payment.refunded)}) "
        f"under {payment.reference}"
        for payment in held
    )
    return "; ".join(texts) or "no money"


def money_found(
    facts: Facts, ledger: Payments, findings: Iterable[Finding]
) -> Iterator[MoneyFound]:
    """What both books say of each order that is found; in every currency that one of them knows."""
    for finding in findings:
        order = facts.orders.get(OrderId(finding.subject), OrderFacts())
        try:
            yield from _both(finding, order, ledger.get(OrderId(finding.subject), []))
        except Exception:  # noqa: BLE001  the finding says why; whatever it is, it hides no other
            yield MoneyFound(finding, None, 0, 0)


def _both(
    finding: Finding, order: OrderFacts, payments: Sequence[ProviderPayment]
) -> Iterator[MoneyFound]:
    ours, theirs = Counter[str](), Counter[str]()
    if order.captures:
        ours[order.captures[0].amount.currency] = order.kept_minor
    for payment in payments:
        theirs[payment.amount.currency] += kept(payment)
    for currency in sorted({*ours, *theirs}):
        yield MoneyFound(finding, currency, ours[currency], theirs[currency])
    if not ours and not theirs:
        yield MoneyFound(finding, None, 0, 0)


# --- labels --------------------------------------------------------------------------------------


def check_labels(facts: Facts, ledger: Labels) -> Iterator[Finding]:
    """Every violation that the carrier's ledger shows."""
    for order_id in facts.orders.keys() | ledger.keys():
        labels = ledger.get(order_id, [])
        live = sorted(label.label_id for label in labels if label.status is LabelStatus.LIVE)
        order = facts.orders.get(order_id, OrderFacts())
        yield from judged(order_id, _check_label(order_id, order, live))


def _check_label(order_id: OrderId, order: OrderFacts, live: list[str]) -> Iterator[Finding]:
    match order.stage:
        case Stage.COMPLETED:
            # Two live labels in our events violate another rule.
            fits = live[0] in order.live_labels if len(live) == 1 else not (live or order.pieces)
            if not fits:
                expected = f"one live label: {', '.join(sorted(order.live_labels)) or 'none known'}"
                yield Finding(Rule.CARRIER_COMPLETED_LABEL, order_id, expected, _labels_text(live))
            return
        case Stage.CANCELLED:
            rule, allowed = Rule.CARRIER_CANCELLED_LABEL, int(order.given_up)
        case Stage.NEVER | Stage.DRAFT:
            rule, allowed = Rule.CARRIER_UNKNOWN_LABEL, 0
        case _:
            rule, allowed = Rule.CARRIER_OPEN_LABEL, 1
    if len(live) > allowed:
        yield Finding(rule, order_id, f"at most {allowed} live labels", _labels_text(live))


def _labels_text(live: list[str]) -> str:
    return f"live labels {', '.join(live)}" if live else "no live label"


# --- sums ----------------------------------------------------------------------------------------


def compare_money(facts: Facts, ledger: Payments) -> list[Comparison]:
    """Money kept per currency, in our events and at the provider, for orders that have ended.

    Orders with a pending refund are left out.
    """
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    for order_id, order in facts.orders.items():
        refund_is_pending = order.returns.granted_minor != order.returns.refunded_minor
        if order.stage.is_open or order.total is None or refund_is_pending:
            continue
        ours[order.total.currency] += order.kept_minor
        for payment in ledger.get(order_id, []):
            theirs[payment.amount.currency] += kept(payment)
    return [
        Comparison(
            f"money kept, {currency}",
            money_text(Money(ours[currency], currency)),
            money_text(Money(theirs[currency], currency)),
        )
        for currency in sorted(ours | theirs)
    ]


def compare_labels(facts: Facts, ledger: Labels) -> list[Comparison]:
    """Live labels and pieces, in our events and at the carrier, for orders that have ended.

    Parcels that left before their order was undone are left out.
    """
    orders = facts.orders.items()
    ended = [key for key, order in orders if not (order.stage.is_open or order.given_up)]
    ours = sum(len(facts.orders[key].live_labels) for key in ended)
    labels = [label for key in ended for label in ledger.get(key, [])]
    live = [label for label in labels if label.status is LabelStatus.LIVE]
    pieces = sum(facts.orders[key].shipped.total() for key in ended)
    sent = sum(label.pieces for label in live)
    return [
        Comparison("live labels", str(ours), str(len(live))),
        Comparison("pieces shipped, and in live parcels", str(pieces), str(sent)),
    ]


def compare_pieces(facts: Facts) -> list[Comparison]:
    """Pieces shipped by the stock items, and pieces of the orders whose parcels have left."""
    shipped = sum(order.shipped.total() for order in facts.orders.values())
    ordered = sum(
        order.pieces.total()
        for order in facts.orders.values()
        if order.stage is Stage.COMPLETED or (order.stage is Stage.CANCELLED and order.given_up)
    )
    return [
        Comparison("pieces shipped, and in orders that were shipped", str(shipped), str(ordered))
    ]
