"""How an order is shown."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.errors import NotFound
from domain.ids import LineId
from domain.lines import Adjustment, Content, LineShare, OrderLine
from domain.money import format_amount
from domain.order.state import (
    Cancelled,
    Completed,
    Draft,
    FrozenOrder,
    NoOrder,
    Processing,
    payable_order,
    status_of,
)
from domain.shares import Shares, gift_card_of
from domain.values import Address, Contact, Redacted
from ordersaga.operations.order_history import OrderHistory


@dataclass(frozen=True, slots=True)
class ShownLine:
    """An order line for display; amounts as text and in minor units.

    `amount` is what is paid for it, with its part of the adjustments of the whole order.
    """

    line_id: str
    kind: str
    sku: str | None
    description: str
    quantity: int
    unit_price: str
    unit_price_minor: int
    amount: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ShownAdjustment:
    """An adjustment for display; `line_id` is None if it is one of the whole order."""

    line_id: str | None
    kind: str
    amount: str
    amount_minor: int
    included: bool
    description: str


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """An order for display. Holds personal data: never log it.

    `version` is that of the order's stream; `as_of` is when its last event was recorded.
    The statuses and amounts are those of `Statuses`.
    `gift_card` is what a gift card pays beside the total; None: nothing.
    `declined` says why another payment is waited for, until `pay_by`; None: none is.
    """

    order_id: str
    reference: str | None
    status: str
    payment_status: str
    fulfilment_status: str
    return_status: str
    version: int
    as_of: datetime
    customer_id: str | None
    placed_at: datetime
    currency: str
    total: str
    total_minor: int
    authorised_minor: int
    captured_minor: int
    refunded_minor: int
    kept_minor: int
    gift_card: str | None
    gift_card_minor: int
    lines: tuple[ShownLine, ...]
    adjustments: tuple[ShownAdjustment, ...]
    address: Address | Redacted | None
    customer: Contact | Redacted | None
    capture: str | None
    declined: str | None
    pay_by: datetime | None
    payment_reference: str | None
    tracking_number: str | None
    reason: str | None
    detail: str | None
    metadata: Mapping[str, str]


def shown(history: OrderHistory) -> ShownOrder:
    """An order for display."""
    state, last, statuses = history.order(), history.own[-1], history.statuses()
    if isinstance(state, NoOrder):
        raise NotFound("order", history.order_id)
    order = state if isinstance(state, Draft) else state.order
    content, left = _content(order)
    shares = Shares(content).of_all(left)
    gift_card = gift_card_of(shares, order.currency)
    frozen = order if isinstance(order, FrozenOrder) else None
    paid = state if isinstance(state, Processing | Completed) else None
    cancelled = state if isinstance(state, Cancelled) else None
    payable = payable_order(state)
    due = payable.payment_due if payable else None
    return ShownOrder(
        order_id=order.order_id,
        reference=order.reference,
        status=str(status_of(state)),
        payment_status=statuses.payment_status,
        fulfilment_status=statuses.fulfilment_status,
        return_status=statuses.return_status,
        version=last.version,
        as_of=last.recorded_at,
        customer_id=order.customer_id,
        placed_at=order.placed_at,
        currency=order.currency,
        total=format_amount(order.total),
        total_minor=order.total.minor,
        authorised_minor=statuses.authorised_minor,
        captured_minor=statuses.captured_minor,
        refunded_minor=statuses.refunded_minor,
        kept_minor=statuses.kept_minor,
        gift_card=format_amount(gift_card) if gift_card.minor else None,
        gift_card_minor=gift_card.minor,
        lines=tuple(map(_shown_line, left, shares)),
        adjustments=tuple(_adjustments(content)),
        address=order.address,
        customer=frozen.customer if frozen else None,
        capture=frozen.payment.capture.value if frozen and frozen.payment else None,
        declined=due.code if due else None,
        pay_by=due.deadline if due else None,
        payment_reference=paid.payment_reference if paid else None,
        tracking_number=state.tracking_number if isinstance(state, Completed) else None,
        reason=cancelled.reason.value if cancelled else None,
        detail=cancelled.detail if cancelled else None,
        metadata=frozen.metadata if frozen else {},
    )


def _content(order: Draft | FrozenOrder) -> tuple[Content, tuple[OrderLine, ...]]:
    """What the order consists of, and which lines are left of it."""
    if isinstance(order, FrozenOrder):
        return order.submitted, order.lines
    lines = tuple(order.lines.values())
    return Content(order.currency, lines, order.adjustments), lines


def _shown_line(line: OrderLine, share: LineShare) -> ShownLine:
    return ShownLine(
        line_id=line.line_id,
        kind=line.kind.value,
        sku=line.code,
        description=line.description,
        quantity=line.quantity,
        unit_price=format_amount(line.unit_price),
        unit_price_minor=line.unit_price.minor,
        amount=format_amount(share.amount),
        amount_minor=share.amount.minor,
    )


def _adjustments(content: Content) -> Iterator[ShownAdjustment]:
    yield from _shown_adjustments(content.adjustments, None)
    for line in content.lines:
        yield from _shown_adjustments(line.adjustments, line.line_id)


def _shown_adjustments(
    adjustments: Iterable[Adjustment], line_id: LineId | None
) -> Iterator[ShownAdjustment]:
    for one in adjustments:
        yield ShownAdjustment(
            line_id=line_id,
            kind=one.kind.value,
            amount=format_amount(one.amount),
            amount_minor=one.amount.minor,
            included=one.included,
            description=one.description,
        )
