"""Turns the texts of one record into values, or says what is wrong with which column."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from domain.fields import MAX_QUANTITY
from domain.money import minor_digits
from ordersaga.importing.countries import country_code
from ordersaga.importing.dates import parse_written
from ordersaga.importing.mapping import Mapping as Format
from ordersaga.importing.numbers import parse_number
from ordersaga.importing.report import Reason, shortened
from ordersaga.importing.table import Record


class Unreadable(Exception):
    """A value cannot be used.

    Attributes:
        line: of the file.
        column: of the file; empty: the whole line.
        reason, detail: what is wrong and what to do.
    """

    def __init__(self, line: int, column: str, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.line = line
        self.column = column
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Notation:
    """How the file writes numbers and dates."""

    decimal: str
    date_orders: Mapping[str, str]
    zone: ZoneInfo


class Values:
    """Reads values of records in the notation of their file."""

    def __init__(self, mapping: Format, notation: Notation) -> None:
        self._mapping = mapping
        self._notation = notation

    def text(self, record: Record, column: str | None) -> str:
        """The text; empty if there is no such column."""
        return record.values.get(column or "", "")

    def required(self, record: Record, column: str) -> str:
        """The text; raises Unreadable if it is empty."""
        text = self.text(record, column)
        if not text:
            raise Unreadable(record.number, column, Reason.MISSING_FIELD, "is empty")
        return text

    def number(self, record: Record, column: str) -> Decimal:
        """The number; raises Unreadable."""
        text = self.required(record, column)
        number = parse_number(text, self._notation.decimal)
        if number is None:
            sign = self._notation.decimal
            example = f"12{sign}50"
            detail = (
                f"{shortened(text)!r} is no number such as {example}: write it without currency, "
                f"with {sign} as decimal sign"
            )
            raise Unreadable(record.number, column, Reason.BAD_NUMBER, detail)
        return number

    def quantity(self, record: Record, column: str) -> int:
        """The pieces; raises Unreadable."""
        number = self.number(record, column)
        if number != number.to_integral_value() or not 1 <= number <= MAX_QUANTITY:
            detail = f"{shortened(self.text(record, column))!r} is not from 1 to {MAX_QUANTITY:,}"
            raise Unreadable(record.number, column, Reason.BAD_NUMBER, f"{detail} whole pieces")
        return int(number)

    def minor(self, record: Record, column: str | None, currency: str) -> int | None:
        """The amount in minor units, or None if nothing is stated; raises Unreadable."""
        if column is None or not self.text(record, column):
            return None
        minor = self.number(record, column).scaleb(minor_digits(currency))
        if minor != minor.to_integral_value():
            digits = minor_digits(currency)
            detail = f"has more decimals than {currency} has: at most {digits}"
            raise Unreadable(record.number, column, Reason.BAD_NUMBER, detail)
        return int(minor)

    def price(self, record: Record, column: str, quantity: int, currency: str) -> tuple[int, int]:
        """Unit price and amount of a line in minor units.

        If the amount is no multiple of the quantity, the price is rounded up; the difference is
        less than one minor unit a piece.

        Raises:
            Unreadable: the amount is below zero, or no whole minor units.
        """
        price = self.number(record, column)
        if price < 0:
            raise Unreadable(record.number, column, Reason.BAD_NUMBER, "is below zero")
        exact = (price * quantity).scaleb(minor_digits(currency))
        amount = exact.to_integral_value(ROUND_HALF_UP)
        if amount != exact and not self._mapping.line.rounded:
            detail = f"times {quantity} is no whole amount of {currency}"
            raise Unreadable(record.number, column, Reason.BAD_NUMBER, detail)
        return -(-int(amount) // quantity), int(amount)

    def moment(self, record: Record, column: str | None) -> datetime | None:
        """The time in UTC, or None if the format has no such column; raises Unreadable."""
        if column is None:
            return None
        text = self.required(record, column)
        written = parse_written(text)
        order = self._notation.date_orders.get(written.shape, "") if written else ""
        moment = written.in_order(order, self._notation.zone) if written else None
        if moment is None:
            detail = f"{shortened(text)!r} is no time such as 2026-01-31 14:05"
            detail += f", or not in the order {order}" if order else ""
            raise Unreadable(record.number, column, Reason.BAD_DATE, detail)
        return moment

    def country(self, record: Record, column: str | None) -> str:
        """The ISO code; the format's own country if the column is missing or empty."""
        text = self.text(record, column)
        if not text and self._mapping.country:
            return self._mapping.country
        code = country_code(text, self._mapping.countries) if text else None
        if code is None:
            detail = f"{shortened(text)!r} is no country" if text else "is empty"
            hint = "write its ISO 3166 code, or add it to [countries] of a mapping"
            reason = Reason.UNKNOWN_COUNTRY if text else Reason.MISSING_FIELD
            raise Unreadable(record.number, column or "", reason, f"{detail}: {hint}")
        return code
