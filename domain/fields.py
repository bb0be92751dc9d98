"""One validator a field: each takes a value from outside and returns its normal form.

Every way in uses them: commands, documents, the command line, imports. So all accept the same and
write it in the same way: texts are trimmed, times are in UTC. Nothing is guessed. `field` is the
path by which an error names the value; no error repeats the value.
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.codes import COUNTRIES, CURRENCIES, NEED_POSTAL_CODE
from domain.errors import InvalidValue
from domain.ids import parse_sku
from domain.money import Money
from domain.values import Address, OrderLine, PaymentTerms, readable

MAX_QUANTITY: Final = 1_000_000
MAX_AMOUNT: Final = 10**15
"""The highest price and total, in minor units: JSON numbers of every language hold it exactly."""
MAX_DESCRIPTION: Final = 200
MAX_ADDRESS_FIELD: Final = 120
MAX_POSTAL_CODE: Final = 20
MAX_REFERENCE: Final = 255
MAX_ACTOR: Final = 100
MAX_REASON: Final = 500

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)

TOKEN: Final = r"[\x21-\x7e]+"  # noqa: S105  a pattern, not a secret

# What would change or hide other text on a label: control characters, line and paragraph
# separators, the controls of writing direction. Lone surrogates cannot be stored as UTF-8.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
# Letters and symbols by their category that show nothing.
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_VISIBLE: Final = "LNPS"
_TOKEN = re.compile(TOKEN, re.ASCII)
_FOR: Final = {"UK": "GB", "EL": "GR", "EN": "GB", "SU": "RU", "YU": "RS", "TP": "TL", "BU": "MM"}


# --- numbers -------------------------------------------------------------------------------------


def check_range(number: int, field: str, lowest: int, highest: int) -> None:
    """Raise InvalidValue unless `number` is a whole number from `lowest` to `highest`."""
    if type(number) is not int or not lowest <= number <= highest:
        raise InvalidValue(field, f"must be a whole number from {lowest} to {highest}")


def check_quantity(quantity: int, field: str = "quantity", lowest: int = 1) -> None:
    """Raise InvalidValue unless `quantity` is a whole number from `lowest` to MAX_QUANTITY."""
    check_range(quantity, field, lowest, MAX_QUANTITY)


def check_amount(amount: Money, field: str) -> None:
    """Raise InvalidValue unless the amount is from 1 to MAX_AMOUNT minor units."""
    if not 1 <= amount.minor <= MAX_AMOUNT:
        raise InvalidValue(field, f"must be from 1 to {MAX_AMOUNT} minor units")


# --- texts ---------------------------------------------------------------------------------------


def parse_text(text: str, field: str, max_length: int) -> str:
    """The text without blanks around it: one line of 1 to `max_length` printable characters.

    Raises:
        InvalidValue: it is empty, too long, shows nothing, or holds control characters.
    """
    trimmed = parse_optional_text(text, field, max_length)
    if not trimmed:
        raise InvalidValue(field, "must not be empty")
    return trimmed


def parse_optional_text(text: str, field: str, max_length: int) -> str:
    """As `parse_text`, but it may be empty."""
    trimmed = text.strip()
    if len(trimmed) > max_length:
        raise InvalidValue(field, f"must be text of at most {max_length} characters")
    if _UNPRINTABLE.search(trimmed):
        raise InvalidValue(field, "must not contain control characters or line breaks")
    if trimmed and not any(_is_visible(character) for character in trimmed):
        raise InvalidValue(field, "must have a visible character")
    return trimmed


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] in _VISIBLE and character not in _BLANK


def parse_description(text: str, field: str = "description") -> str:
    """What a line is called; raises InvalidValue."""
    return parse_text(text, field, MAX_DESCRIPTION)


def parse_reference(text: str, field: str) -> str:
    """What a person calls something, such as a delivery; raises InvalidValue."""
    return parse_text(text, field, MAX_REFERENCE)


def check_reference(text: str, field: str) -> None:
    """Raise InvalidValue unless `text`, an id of another system, is like that of `parse_text`.

    It is kept as that system wrote it, because it is compared with what it says later.
    """
    parse_reference(text, field)


def parse_actor(text: str, field: str = "actor") -> str:
    """Who did something; raises InvalidValue."""
    return parse_text(text, field, MAX_ACTOR)


def parse_reason(text: str, field: str = "reason") -> str:
    """Why a person did something; raises InvalidValue."""
    return parse_text(text, field, MAX_REASON)


def parse_token(text: str, field: str = "token") -> str:
    """A payment provider's token; raises InvalidValue."""
    trimmed = text.strip()
    if len(trimmed) > MAX_REFERENCE or not _TOKEN.fullmatch(trimmed):
        problem = f"must be 1 to {MAX_REFERENCE} ASCII characters without blanks"
        raise InvalidValue(field, problem)
    return trimmed


# --- codes and times -----------------------------------------------------------------------------


def parse_currency(code: str, field: str = "currency") -> str:
    """A currency of ISO 4217; raises InvalidValue."""
    if code not in CURRENCIES:
        raise InvalidValue(field, "must be an ISO 4217 code such as GBP")
    return code


def parse_country(code: str, field: str = "country") -> str:
    """A country of ISO 3166; raises InvalidValue, with the right code for a common mistake."""
    if code in COUNTRIES:
        return code
    meant = _FOR.get(code.upper(), code.upper())
    hint = f": {meant} is meant?" if meant in COUNTRIES else " such as GB"
    raise InvalidValue(field, f"must be an ISO 3166 alpha-2 code{hint}")


def parse_postal_code(text: str, country: str, field: str = "postal_code") -> str:
    """A postal code; empty only where addresses do without. Raises InvalidValue."""
    trimmed = parse_optional_text(text, field, MAX_POSTAL_CODE)
    if not trimmed and country in NEED_POSTAL_CODE:
        raise InvalidValue(field, f"must not be empty: addresses in {country} need one")
    return trimmed


def parse_moment(moment: datetime, field: str) -> datetime:
    """The time in UTC.

    Raises:
        InvalidValue: it has no offset from UTC, or is not from EARLIEST to LATEST.
    """
    offset = moment.utcoffset()
    if offset is None:
        raise InvalidValue(field, "must have a time zone, such as 2026-01-31T14:05:00+00:00")
    # Compared in its own zone, a day wider: at the ends of the calendar, UTC would overflow.
    local, day = moment.replace(tzinfo=UTC), timedelta(days=1)
    if EARLIEST - day <= local <= LATEST + day:
        in_utc = moment.astimezone(UTC)
        if EARLIEST <= in_utc <= LATEST:
            return in_utc
    raise InvalidValue(field, f"must be from {EARLIEST.year} to {LATEST.year}")


# --- values of several fields --------------------------------------------------------------------


def parse_line(line: OrderLine, field: str = "line") -> OrderLine:
    """The line in normal form; raises InvalidValue naming ``<field>.<part>``."""
    parse_sku(line.sku, f"{field}.sku")
    description = parse_description(line.description, f"{field}.description")
    check_quantity(line.quantity, f"{field}.quantity")
    check_amount(line.unit_price, f"{field}.unit_price")
    return OrderLine(line.sku, description, line.quantity, line.unit_price)


def parse_address(address: Address, field: str = "address") -> Address:
    """The address in normal form; raises InvalidValue naming ``<field>.<part>``."""

    def text(part: str) -> str:
        return parse_text(getattr(address, part), f"{field}.{part}", MAX_ADDRESS_FIELD)

    def optional(part: str) -> str:
        return parse_optional_text(getattr(address, part), f"{field}.{part}", MAX_ADDRESS_FIELD)

    country = parse_country(address.country, f"{field}.country")
    return Address(
        name=text("name"),
        line1=text("line1"),
        line2=optional("line2"),
        city=text("city"),
        region=optional("region"),
        postal_code=parse_postal_code(address.postal_code, country, f"{field}.postal_code"),
        country=country,
    )


def parse_payment(payment: PaymentTerms, field: str = "payment") -> PaymentTerms:
    """The terms in normal form; raises InvalidValue naming ``<field>.token``."""
    token = readable(payment.token, "payment token")
    return PaymentTerms(parse_token(token, f"{field}.token"), payment.capture)
