"""Parses one record of the file into an order line, or refuses it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.errors import DomainError, InvalidValue
from domain.fields import MAX_AMOUNT, MAX_QUANTITY, parse_line, parse_moment
from domain.ids import CustomerId, OrderId, parse_customer_id, parse_order_id, parse_sku
from domain.money import Money, parse_amount
from domain.values import OrderLine
from ordersaga.importing.countries import country_code
from ordersaga.importing.reader import COLUMNS, RawLine
from ordersaga.importing.refusals import LineReason, RefusedLine, shortened

_PRODUCT = re.compile(r"[0-9]{5}")
_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
_DATE_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M")
_MAX_DIGITS = 20  # longer than any 64-bit number


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """A line that may become part of an order; `country` is an ISO code."""

    number: int
    order_id: OrderId
    customer_id: CustomerId | None
    placed_at: datetime
    country: str
    line: OrderLine


class _Refusal(Exception):
    def __init__(self, reason: LineReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def refused(raw: RawLine, reason: LineReason, detail: str) -> RefusedLine:
    """The report entry of a line."""
    return RefusedLine(
        raw.number, shortened(raw.invoice), shortened(raw.stock_code), reason, shortened(detail)
    )


def parse_record(raw: RawLine, currency: str) -> ParsedLine | RefusedLine:
    """Parse one record; the first problem is the reason of its refusal."""
    try:
        return _parsed(raw, currency)
    except _Refusal as refusal:
        return refused(raw, refusal.reason, refusal.detail)
    except DomainError as error:
        return refused(raw, LineReason.BAD_VALUE, str(error))


def _parsed(raw: RawLine, currency: str) -> ParsedLine:
    _complete(raw)
    if raw.invoice.upper().startswith("C"):
        raise _Refusal(LineReason.CANCELLATION, "the invoice number starts with C")
    if not _PRODUCT.match(raw.stock_code):
        raise _Refusal(LineReason.NO_PRODUCT, "the stock code does not start with five digits")
    line = OrderLine(
        parse_sku(raw.stock_code, "StockCode"),
        raw.description,
        _quantity(raw.quantity),
        _price(raw.price, currency),
    )
    return ParsedLine(
        raw.number,
        parse_order_id(raw.invoice, "InvoiceNo"),
        parse_customer_id(raw.customer, "CustomerID") if raw.customer else None,
        _date(raw.date),
        _country(raw.country),
        parse_line(line),
    )


def _complete(raw: RawLine) -> None:
    if not raw.complete:
        raise _Refusal(LineReason.INCOMPLETE_LINE, "the line has fewer columns than the first line")
    needed = {column: field for column, field in COLUMNS.items() if column != "CustomerID"}
    lacking = [column for column, field in needed.items() if not getattr(raw, field)]
    if lacking:
        raise _Refusal(LineReason.MISSING_FIELD, f"{', '.join(lacking)} is empty")


def _quantity(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise _Refusal(LineReason.BAD_NUMBER, f"Quantity {text!r} is not a whole number")
    # The length first: converting a million digits takes very long.
    quantity = int(text) if len(text) <= _MAX_DIGITS else None
    if text.startswith("-") and quantity != 0:
        raise _Refusal(LineReason.RETURN, f"Quantity {text} is negative")
    if quantity == 0:
        raise _Refusal(LineReason.NO_QUANTITY, "Quantity is 0")
    if quantity is None or quantity > MAX_QUANTITY:
        raise _Refusal(LineReason.TOO_LARGE, f"Quantity {text!r} is beyond {MAX_QUANTITY:,}")
    return quantity


def _price(text: str, currency: str) -> Money:
    try:
        price = parse_amount(text, currency, "UnitPrice")
    except InvalidValue as error:
        raise _Refusal(LineReason.BAD_NUMBER, str(error)) from None
    if price.minor <= 0:
        raise _Refusal(LineReason.NO_PRICE, f"UnitPrice {text} is not above zero")
    if price.minor > MAX_AMOUNT:
        raise _Refusal(LineReason.TOO_LARGE, f"UnitPrice is beyond {MAX_AMOUNT:,} minor units")
    return price


def _date(text: str) -> datetime:
    for form in _DATE_FORMS:
        try:
            # The data has no time zone; the shop is British, so it is read as UTC.
            read = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return parse_moment(read, "InvoiceDate")
    raise _Refusal(LineReason.BAD_DATE, f"InvoiceDate {text!r} is not a time like {_EXAMPLE}")


_EXAMPLE = "2010-12-01 08:26:00"


def _country(name: str) -> str:
    code = country_code(name)
    if code is None:
        raise _Refusal(LineReason.UNKNOWN_COUNTRY, f"Country {name!r} is unknown")
    return code
