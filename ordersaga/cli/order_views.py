"""How an order is printed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Group, RenderableType

from domain.values import Address, Contact, Redacted
from ordersaga.cli.answers import Answer
from ordersaga.display.tables import Columns, clock, make_table, money

if TYPE_CHECKING:
    from ordersaga.operations.shown_order import ShownOrder

_LINES: Final = Columns(
    "line_id: line, kind, sku: SKU, description, quantity: pieces>, unit_price: price>, amount>"
)
_ADJUSTMENTS: Final = Columns(
    "line_id: line, kind, description, amount>, note",
    note=lambda x: "included in the prices" if x.included else "",
)


def order_answer(order: "ShownOrder") -> Answer:
    """The answer that shows an order."""
    return Answer(order, lambda: _view(order))


def _view(order: "ShownOrder") -> RenderableType:
    properties = make_table(("order", order.order_id), _properties(order))
    parts = [properties, _LINES.table(order.lines)]
    if order.adjustments:
        parts.append(_ADJUSTMENTS.table(order.adjustments))
    return Group(*parts)


def _properties(order: "ShownOrder") -> Sequence[tuple[str, object]]:
    properties: Sequence[tuple[str, object]] = (
        ("reference", order.reference),
        ("status", order.status),
        ("payment", order.payment_status),
        ("fulfilment", order.fulfilment_status),
        ("return", order.return_status),
        ("total", order.total),
        *_money(order),
        ("paid by gift card", order.gift_card),
        ("customer", order.customer_id or "guest"),
        ("e-mail", _email(order.customer)),
        ("address", _address_line(order.address)),
        ("placed at", clock(order.placed_at)),
        ("capture", order.capture),
        ("declined", order.declined),
        ("pay by", order.pay_by and clock(order.pay_by)),
        ("payment reference", order.payment_reference),
        ("tracking number", order.tracking_number),
        ("reason", order.reason),
        ("detail", order.detail),
        *((f"metadata {name}", text) for name, text in order.metadata.items()),
        ("version", f"{order.version}, recorded {clock(order.as_of)}"),
    )
    return [(name, value) for name, value in properties if value]


def _money(order: "ShownOrder") -> Sequence[tuple[str, object]]:
    """What providers hold, if anything was ever paid."""
    amounts = [
        ("authorised", order.authorised_minor),
        ("captured", order.captured_minor),
        ("refunded", order.refunded_minor),
    ]
    rows = [(name, money(minor, order.currency)) for name, minor in amounts if minor]
    kept = ("kept", money(order.kept_minor, order.currency))
    return [*rows, kept] if order.captured_minor else rows


def _email(customer: Contact | Redacted | None) -> str | None:
    if customer is None:
        return None
    return f"[{customer.redacted}]" if isinstance(customer, Redacted) else customer.email


def _address_line(address: Address | Redacted | None) -> str | None:
    if address is None:
        return None
    if isinstance(address, Redacted):
        return f"[{address.redacted}]"
    street = (address.name, address.line1, address.line2)
    place = (address.postal_code, address.city, address.region, address.country)
    return ", ".join(part for part in (*street, *place) if part)
