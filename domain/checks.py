"""Checks of single values; `field` is the path by which the error names the value."""

import re
from datetime import datetime

from domain.errors import InvalidValue
from domain.ids import parse_sku
from domain.money import Money
from domain.values import Address, OrderLine, PaymentTerms, readable

MAX_QUANTITY = 1_000_000
MAX_DESCRIPTION = 200
MAX_ADDRESS_FIELD = 120
MAX_POSTAL_CODE = 20
MAX_REFERENCE = 255
MAX_NOTE = 2_000

# Line and paragraph separators break a label just as control characters do; lone surrogates cannot
# be stored as UTF-8.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# A note may have several lines; NUL and lone surrogates cannot be stored as text.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


def check_range(number: int, field: str, lowest: int, highest: int) -> None:
    """Raise InvalidValue unless `number` is a whole number from `lowest` to `highest`."""
    if type(number) is not int or not lowest <= number <= highest:
        raise InvalidValue(field, f"must be a whole number from {lowest} to {highest}")


def check_quantity(quantity: int, field: str = "quantity", lowest: int = 1) -> None:
    """Raise InvalidValue unless `quantity` is a whole number from `lowest` to MAX_QUANTITY."""
    check_range(quantity, field, lowest, MAX_QUANTITY)


def check_text(text: str, field: str, max_length: int) -> None:
    """Raise InvalidValue unless `text` has 1 to `max_length` printable characters."""
    if not text.strip():
        raise InvalidValue(field, "must not be empty")
    check_optional_text(text, field, max_length)


def check_optional_text(text: str, field: str, max_length: int) -> None:
    """Raise InvalidValue unless `text` has at most `max_length` printable characters."""
    if len(text) > max_length:
        raise InvalidValue(field, f"must be text of at most {max_length} characters")
    if _CONTROL.search(text):
        raise InvalidValue(field, "must not contain control characters or line breaks")


def check_note(text: str, field: str) -> None:
    """Raise InvalidValue unless `text` is storable text of at most MAX_NOTE characters."""
    if len(text) > MAX_NOTE:
        raise InvalidValue(field, f"must be text of at most {MAX_NOTE} characters")
    if _UNSTORABLE.search(text):
        raise InvalidValue(field, "must not contain NUL characters or lone surrogates")


def check_description(description: str, field: str = "description") -> None:
    """Raise InvalidValue unless it has 1 to MAX_DESCRIPTION printable characters."""
    check_text(description, field, MAX_DESCRIPTION)


def check_reference(reference: str, field: str) -> None:
    """Raise InvalidValue unless it has 1 to MAX_REFERENCE printable characters."""
    check_text(reference, field, MAX_REFERENCE)


def check_positive(amount: Money, field: str) -> None:
    """Raise InvalidValue unless the amount is above zero."""
    if amount.minor <= 0:
        raise InvalidValue(field, "must be above zero")


def check_moment(moment: datetime, field: str) -> None:
    """Raise InvalidValue unless the time has an offset from UTC."""
    if moment.utcoffset() is None:
        raise InvalidValue(field, "must have a time zone, such as 2026-01-31T14:05:00+00:00")


def check_line(line: OrderLine, field: str = "line") -> None:
    """Raise InvalidValue naming ``<field>.<part>`` unless every part of the line is valid."""
    parse_sku(line.sku, f"{field}.sku")
    check_description(line.description, f"{field}.description")
    check_quantity(line.quantity, f"{field}.quantity")
    check_positive(line.unit_price, f"{field}.unit_price")


def check_address(address: Address, field: str = "address") -> None:
    """Raise InvalidValue naming ``<field>.<part>`` unless a parcel can be sent there."""
    for part in ("name", "line1", "city"):
        check_text(getattr(address, part), f"{field}.{part}", MAX_ADDRESS_FIELD)
    check_text(address.postal_code, f"{field}.postal_code", MAX_POSTAL_CODE)
    for part in ("line2", "region"):
        check_optional_text(getattr(address, part), f"{field}.{part}", MAX_ADDRESS_FIELD)
    if not _COUNTRY.fullmatch(address.country):
        raise InvalidValue(f"{field}.country", "must be a two-letter ISO 3166 code such as GB")


def check_payment(payment: PaymentTerms, field: str = "payment") -> None:
    """Raise InvalidValue naming ``<field>.token`` unless there is a token to charge."""
    check_reference(readable(payment.token, "payment token"), f"{field}.token")
