"""Money: whole minor units of an ISO 4217 currency, never floats; amounts from and to text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from domain.codes import CURRENCIES, MINOR_DIGITS
from domain.errors import CurrencyMismatch, InvalidValue

_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_USUAL_DIGITS = 2


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount of `minor` units (pence, cents) of `currency` (three capital letters).

    It has no bound, and its currency may be a withdrawn one: sums of a shop and records of a
    provider must be readable whatever they hold. `domain.fields` checks what comes in.

    Raises:
        InvalidValue: `currency` is not three capital letters, or `minor` is not a whole number.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise InvalidValue("minor", "must be a whole number of minor units")
        if self.currency not in CURRENCIES and not _CURRENCY.fullmatch(self.currency):
            raise InvalidValue("currency", "must be an ISO 4217 code such as GBP")

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Zero in `currency`."""
        return cls(0, currency)

    def __add__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, quantity: int) -> "Money":
        if type(quantity) is not int:
            raise InvalidValue("quantity", "money can only be multiplied by whole numbers")
        return Money(self.minor * quantity, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same_currency(other)
        return self.minor < other.minor

    def __le__(self, other: "Money") -> bool:
        self._same_currency(other)
        return self.minor <= other.minor

    def __str__(self) -> str:
        return f"{self.minor} {self.currency} minor units"

    def _same_currency(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Sum of `amounts` in `currency`; raises CurrencyMismatch."""
    minor = 0
    for amount in amounts:
        if amount.currency != currency:
            raise CurrencyMismatch(currency, amount.currency)
        minor += amount.minor
    return Money(minor, currency)


_AMOUNT = re.compile(r"(?P<sign>-?)(?P<whole>[0-9]+)(?:\.(?P<part>[0-9]+))?", re.ASCII)
# Far more digits than any price has; the limit keeps hostile input cheap.
_MAX_TEXT = 40


def minor_digits(currency: str) -> int:
    """Number of decimals of a currency: 2 for GBP, 0 for JPY, 3 for KWD."""
    return MINOR_DIGITS.get(currency, _USUAL_DIGITS)


def parse_amount(text: str, currency: str, field: str = "amount") -> Money:
    """The exact amount in a decimal text such as ``3.39`` or ``-12``.

    Surrounding spaces are ignored. Exponents, signs other than ``-``, thousands separators and more
    decimals than the currency has are refused; trailing zeros are allowed.

    Raises:
        InvalidValue: the text is not such a number, or `currency` is not a currency code.
    """
    stripped = text.strip()
    match = _AMOUNT.fullmatch(stripped) if len(stripped) <= _MAX_TEXT else None
    if match is None:
        raise InvalidValue(field, "must be a decimal number such as 3.39")
    digits = minor_digits(currency)
    part = (match["part"] or "").rstrip("0")
    if len(part) > digits:
        raise InvalidValue(field, f"{currency} amounts have at most {digits} decimals")
    minor = int(match["whole"] + part.ljust(digits, "0"))
    return Money(-minor if match["sign"] else minor, currency)


def format_amount(amount: Money) -> str:
    """The amount for people: ``3.39 GBP``, ``120 JPY``, ``-0.05 GBP``."""
    digits = minor_digits(amount.currency)
    sign = "-" if amount.minor < 0 else ""
    text = str(abs(amount.minor)).rjust(digits + 1, "0")
    number = f"{text[:-digits]}.{text[-digits:]}" if digits else text
    return f"{sign}{number} {amount.currency}"
