"""Values and events that several tests of the domain share."""

from datetime import UTC, datetime

from domain.ids import CustomerId, LineId, OrderId, Sku
from domain.lines import LineShare, OrderLine
from domain.money import Money
from domain.order.events import AddressSet, ItemAdded, OrderCreated, OrderSubmitted
from domain.values import Address, PaymentTerms

ORDER = OrderId("A1")
FIRST, SECOND = LineId("1"), LineId("2")
LANTERN = Sku("71053")
HEART = Sku("84029E")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LEEDS = Address("Ann Example", "1 High Street", "Leeds", "LS1 4AP", "GB")
YORK = Address("Ann Example", "2 Low Street", "York", "YO1 7HH", "GB")
CARD = PaymentTerms("tok_visa")

CREATED = OrderCreated(ORDER, CustomerId("17850"), "GBP", NOON)
LANTERNS_ADDED = ItemAdded(FIRST, LANTERN, "WHITE METAL LANTERN", 6, Money(339, "GBP"))
ADDRESS_SET = AddressSet(LEEDS)
LANTERN_LINE = OrderLine(FIRST, LANTERN, "WHITE METAL LANTERN", 6, Money(339, "GBP"))
SUBMITTED = OrderSubmitted(
    ORDER, CustomerId("17850"), (LANTERN_LINE,), LEEDS, Money(2034, "GBP"), CARD
)


def share(line_id: LineId, sku: Sku | None, pieces: int, minor: int, gift: int = 0) -> LineShare:
    """Pieces of a line and what is paid for them, in pence."""
    return LineShare(line_id, sku, pieces, gbp(minor), gbp(gift))


def gbp(minor: int) -> Money:
    """An amount in pence."""
    return Money(minor, "GBP")
