"""One validator a field: each takes a value from outside and returns its normal form.

Every way in uses them: commands, documents, the command line, imports. So all accept the same and
write it in the same way: texts are trimmed, times are in UTC. Nothing is guessed. `field` is the
path by which an error names the value; no error repeats the value.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.codes import COUNTRIES, CURRENCIES, NEED_POSTAL_CODE
from domain.errors import CurrencyMismatch, InvalidValue
from domain.ids import parse_line_id, parse_sku
from domain.lines import LOWERING, Adjustment, AdjustmentKind, LineKind, OrderLine
from domain.money import Money
from domain.values import Address, Contact, PaymentTerms, readable

MAX_QUANTITY: Final = 1_000_000
MAX_AMOUNT: Final = 10**15
"""The highest price and total, in minor units: JSON numbers of every language hold it exactly."""
MAX_DESCRIPTION: Final = 200
MAX_ADDRESS_FIELD: Final = 120
MAX_POSTAL_CODE: Final = 20
MAX_REFERENCE: Final = 255
MAX_ACTOR: Final = 100
MAX_REASON: Final = 500
MAX_EMAIL: Final = 254
MAX_ADJUSTMENTS: Final = 50
"""The most adjustments of a line, and of an order."""
MAX_PAY_WITHIN_HOURS: Final = 2_160
"""Ninety days."""

MAX_METADATA: Final = 50
MAX_METADATA_NAME: Final = 40
MAX_METADATA_TEXT: Final = 500

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)

EMAIL: Final = r"[^\s@]+@[^\s@]+"
TOKEN: Final = r"[\x21-\x7e]+"  # noqa: S105  a pattern, not a secret
CONFIRMED: Final = rf"[A-Za-z0-9][A-Za-z0-9._:-]{{0,{MAX_REFERENCE - 1}}}"
"""The form of a provider's reference of a payment; it becomes a part of a path."""

BLANKS: Final = "\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What counts as a blank around a text, for a class of a regular expression."""
HIDDEN: Final = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""What would change or hide other text on a label: control characters, line and paragraph
separators, the controls of writing direction. For a class of a regular expression."""
_SURROGATES: Final = "\ud800-\udfff"  # alone they cannot be stored as UTF-8
_UNPRINTABLE = re.compile(f"[{HIDDEN}{_SURROGATES}]")
_UNSTORABLE = re.compile(f"[\x00{_SURROGATES}]")
# Letters and symbols by their category that show nothing.
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_VISIBLE: Final = "LNPS"
_TOKEN = re.compile(TOKEN, re.ASCII)
_CONFIRMED = re.compile(CONFIRMED, re.ASCII)
_EMAIL = re.compile(EMAIL)
_FOR: Final = {"UK": "GB", "EL": "GR", "EN": "GB", "SU": "RU", "YU": "RS", "TP": "TL", "BU": "MM"}


# --- numbers -------------------------------------------------------------------------------------


def check_range(number: int, field: str, lowest: int, highest: int) -> None:
    """Raise InvalidValue unless `number` is a whole number from `lowest` to `highest`."""
    if type(number) is not int or not lowest <= number <= highest:
        raise InvalidValue(field, f"must be a whole number from {lowest} to {highest}")


def check_quantity(quantity: int, field: str = "quantity", lowest: int = 1) -> None:
    """Raise InvalidValue unless `quantity` is a whole number from `lowest` to MAX_QUANTITY."""
    check_range(quantity, field, lowest, MAX_QUANTITY)


def check_amount(amount: Money, field: str, lowest: int = 1) -> None:
    """Raise InvalidValue unless the amount is from `lowest` to MAX_AMOUNT minor units."""
    if not lowest <= amount.minor <= MAX_AMOUNT:
        raise InvalidValue(field, f"must be from {lowest} to {MAX_AMOUNT} minor units")


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
    if trimmed and not any(map(_is_visible, trimmed)):
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


def parse_confirmed(text: str, field: str = "confirmed") -> str:
    """A provider's reference of a payment that was confirmed at checkout; raises InvalidValue."""
    trimmed = text.strip()
    if not _CONFIRMED.fullmatch(trimmed):
        problem = f"must be a provider's reference of 1 to {MAX_REFERENCE} letters, digits, ._:-"
        raise InvalidValue(field, problem)
    return trimmed


def parse_means(
    token: str | None, confirmed: str | None, field: str = "payment"
) -> tuple[str | None, str | None]:
    """A token or a confirmed payment, the other one None.

    Raises:
        InvalidValue: neither or both are given, or one is malformed; names ``<field>.token`` or
            ``<field>.confirmed``.
    """
    prefix = f"{field}." if field else ""
    if token is None and confirmed is None:
        raise InvalidValue(f"{prefix}token", "is missing: give it, or a confirmed payment")
    if token is not None and confirmed is not None:
        raise InvalidValue(f"{prefix}confirmed", "must be omitted where a token is given")
    return (
        None if token is None else parse_token(token, f"{prefix}token"),
        None if confirmed is None else parse_confirmed(confirmed, f"{prefix}confirmed"),
    )


def parse_email(text: str, field: str = "email") -> str:
    """An e-mail address; raises InvalidValue. Whether it exists, only a message can tell."""
    trimmed = parse_text(text, field, MAX_EMAIL)
    if not _EMAIL.fullmatch(trimmed):
        raise InvalidValue(field, "must be an e-mail address such as ada@example.org")
    return trimmed


def parse_metadata(metadata: Mapping[str, str], field: str = "metadata") -> dict[str, str]:
    """What the shop attaches to an order for its own use, as it is; raises InvalidValue."""
    if len(metadata) > MAX_METADATA:
        raise InvalidValue(field, f"must have at most {MAX_METADATA} entries")
    for name, text in metadata.items():
        if not 1 <= len(name) <= MAX_METADATA_NAME or len(text) > MAX_METADATA_TEXT:
            raise InvalidValue(
                field,
                f"names have 1 to {MAX_METADATA_NAME} characters, texts at most "
                f"{MAX_METADATA_TEXT}",
            )
        if _UNPRINTABLE.search(name) or _UNSTORABLE.search(text):
            raise InvalidValue(field, "must not contain control characters")
    return dict(metadata)


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
    prefix = f"{field}." if field else ""
    parse_line_id(line.line_id, f"{prefix}line_id")
    _check_code(line, f"{prefix}sku")
    description = parse_description(line.description, f"{prefix}description")
    check_quantity(line.quantity, f"{prefix}quantity")
    check_amount(line.unit_price, f"{prefix}unit_price", lowest=0)
    currency = line.unit_price.currency
    adjustments = parse_adjustments(line.adjustments, currency, f"{prefix}adjustments")
    parsed = line
    if (description, adjustments) != (line.description, line.adjustments):
        parsed = replace(line, description=description, adjustments=adjustments)
    if parsed.amount.minor < 0:
        raise InvalidValue(f"{prefix}adjustments", "take more off than the line costs")
    return parsed


def _check_code(line: OrderLine, field: str) -> None:
    if line.code is not None:
        parse_sku(line.code, field)
    elif line.kind is LineKind.GOODS:
        raise InvalidValue(field, "is missing: goods need one")


def parse_adjustments(
    adjustments: Iterable[Adjustment], currency: str, field: str = "adjustments"
) -> tuple[Adjustment, ...]:
    """The adjustments in normal form; raises InvalidValue naming ``<field>.<index>.<part>``."""
    parsed = tuple(
        parse_adjustment(one, currency, f"{field}.{index}") for index, one in enumerate(adjustments)
    )
    if len(parsed) > MAX_ADJUSTMENTS:
        raise InvalidValue(field, f"must be at most {MAX_ADJUSTMENTS}")
    return parsed


def parse_adjustment(adjustment: Adjustment, currency: str, field: str) -> Adjustment:
    """The adjustment in normal form; raises InvalidValue naming ``<field>.<part>``."""
    amount = adjustment.amount
    if amount.currency != currency:
        raise CurrencyMismatch(currency, amount.currency)
    highest = 0 if adjustment.kind in LOWERING else MAX_AMOUNT
    if not -MAX_AMOUNT <= amount.minor <= highest:
        problem = f"must be from {-MAX_AMOUNT} to {highest} minor units"
        lowers = f": a {adjustment.kind.value.replace('_', ' ')} takes off" if not highest else ""
        raise InvalidValue(f"{field}.amount", problem + lowers)
    if adjustment.included and adjustment.kind is AdjustmentKind.GIFT_CARD:
        raise InvalidValue(f"{field}.included", "must be false: a gift card pays")
    text = parse_optional_text(adjustment.description, f"{field}.description", MAX_DESCRIPTION)
    return replace(adjustment, description=text)


def parse_contact(contact: Contact, field: str = "customer") -> Contact:
    """The contact in normal form; raises InvalidValue naming ``<field>.email``."""
    return Contact(parse_email(contact.email, f"{field}.email"))


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
    """The terms in normal form; raises InvalidValue as `parse_means` does."""
    token = None if payment.token is None else readable(payment.token, "payment token")
    token, confirmed = parse_means(token, payment.confirmed, field)
    prefix = f"{field}." if field else ""
    hours, name = payment.on_decline.deadline_hours, f"{prefix}on_decline.deadline_hours"
    check_range(hours, name, 1, MAX_PAY_WITHIN_HOURS)
    return replace(payment, token=token, confirmed=confirmed)
