"""Money: whole minor units of an ISO 4217 currency, never floats."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from domain.errors import CurrencyMismatch, InvalidValue, MoneyOverflow

_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_LIMIT = 2**63


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount of `minor` units (pence, cents) of `currency` (three capital letters).

    Raises:
        InvalidValue: `currency` is not three capital letters, or `minor` is not a whole number.
        MoneyOverflow: `minor` does not fit a signed 64-bit integer.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise InvalidValue("minor", "must be a whole number of minor units")
        if not -_LIMIT <= self.minor < _LIMIT:
            raise MoneyOverflow("minor", "does not fit a signed 64-bit integer")
        if not _CURRENCY.fullmatch(self.currency):
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
    """Sum of `amounts` in `currency`; raises CurrencyMismatch or MoneyOverflow."""
    result = Money.zero(currency)
    for amount in amounts:
        result += amount
    return result
