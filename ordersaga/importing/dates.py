"""Dates as shops write them, and the proof of the order of day, month and year.

A date is never guessed: the order is given, or all dates of the file together allow only one. A
year of two digits is one of this century, the only one that the domain takes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final, Literal

ORDERS: Final = ("dmy", "mdy", "ymd")
_MONTHS: Final = "jan feb mar apr may jun jul aug sep oct nov dec"
_CENTURY: Final = 2000
_YEARS: Final = range(1900, 2200)  # the domain takes fewer, and says so
_REMEMBERED: Final = 4096  # lines of an order, and orders of a minute, have the same
_TIME: Final = (
    r"(?:(?:T|,?[ ]+)(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d{1,9})?)?"
    r"[ ]?(?P<half>[AaPp]\.?[Mm]\.?)?"
    r"[ ]?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?)?"
)
_NUMERIC: Final = re.compile(
    r"(?P<a>\d{1,4})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{1,4})" + _TIME, re.ASCII
)
_NAMED: Final = (
    re.compile(r"(?P<d>\d{1,2})[ -](?P<m>[A-Za-z]{3,9})\.?,?[ -](?P<y>\d{4})" + _TIME, re.ASCII),
    re.compile(r"(?P<m>[A-Za-z]{3,9})\.? (?P<d>\d{1,2}),? (?P<y>\d{4})" + _TIME, re.ASCII),
)


@dataclass(frozen=True)
class Written:
    """A date as it is written: each order of its parts that gives a day, and the time."""

    days: Mapping[str, date]
    time: time
    zone: tzinfo | None
    shape: str

    def in_order(self, order: str, zone: tzinfo) -> datetime | None:
        """The time if the parts have this order; `zone` if the text has none."""
        day = self.days.get("" if "" in self.days else order)
        if day is None:
            return None
        return datetime.combine(day, self.time, self.zone or zone).astimezone(UTC)


@lru_cache(_REMEMBERED)
def parse_written(text: str) -> Written | None:
    """What a text can mean as a date, or None."""
    for form in (_NUMERIC, *_NAMED):
        if match := form.fullmatch(text):
            days, shape = _numeric(match) if form is _NUMERIC else _named(match)
            clock, zone = _clock(match), _zone(match["zone"] or "")
            return Written(days, clock, zone, shape) if days and clock and zone != "" else None
    return None


def _numeric(match: re.Match[str]) -> tuple[dict[str, date], str]:
    parts = (match["a"], match["b"], match["c"])
    match [len(part) for part in parts]:
        case [4, _, 1 | 2]:
            # Year first is year, month, day everywhere.
            day = _day(parts, "ymd")
            return ({"": day} if day else {}), "year first"
        case [1 | 2, _, 4]:
            orders: tuple[str, ...] = ("dmy", "mdy")
            shape = "year last"
        case [1 | 2, _, 2]:
            orders, shape = ORDERS, "short year"
        case _:
            return {}, ""
    return {order: day for order in orders if (day := _day(parts, order))}, shape


def _day(parts: tuple[str, str, str], order: str) -> date | None:
    named = dict(zip(order, parts, strict=True))
    year = int(named["y"]) + (_CENTURY if len(named["y"]) <= 2 else 0)
    return _date(year, int(named["m"]), int(named["d"]))


def _named(match: re.Match[str]) -> tuple[dict[str, date], str]:
    start = match["m"].lower()[:3]
    month = _MONTHS.index(start) // 4 + 1 if start in _MONTHS.split() else 0
    day = _date(int(match["y"]), month, int(match["d"]))
    return ({"": day} if day else {}), "named"


def _date(year: int, month: int, day: int) -> date | None:
    if year not in _YEARS:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _clock(match: re.Match[str]) -> time | None:
    hour, half = int(match["hour"] or 0), (match["half"] or "").lower()[:1]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return time(hour, int(match["minute"] or 0), int(match["second"] or 0))
    except ValueError:
        return None


def _zone(text: str) -> tzinfo | Literal[""] | None:
    """None: the text has no zone; empty: there is no such zone."""
    if not text or text in ("Z", "UTC", "GMT"):
        return UTC if text else None
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset) if offset < timedelta(days=1) else ""


@dataclass
class DateProof:
    """What the dates of a whole file say about the order of their parts.

    Attributes:
        seen: by shape and by the orders that are possible, the first date for which they are.
        differing: by shape, the first date that is another day in each order.
    """

    seen: dict[str, dict[frozenset[str], str]] = field(default_factory=dict)
    differing: dict[str, str] = field(default_factory=dict)

    def see(self, text: str, place: str) -> None:
        """Take a date of the file into account; `place` names it for people."""
        written = parse_written(text)
        if written is None or "" in written.days:
            return
        shown = f"{place}: {text}"
        self.seen.setdefault(written.shape, {}).setdefault(frozenset(written.days), shown)
        if len(set(written.days.values())) > 1:
            self.differing.setdefault(written.shape, shown)

    def decided(self, chosen: str | None) -> Mapping[str, str]:
        """The order by shape.

        Raises:
            ValueError: the file allows several orders, or no order for all of its dates.
        """
        if chosen is not None:
            return dict.fromkeys(("year last", "short year"), chosen)
        return {shape: self._decided(shape) for shape in self.seen}

    def _decided(self, shape: str) -> str:
        seen = self.seen[shape]
        possible = frozenset.intersection(*seen)
        if not possible:
            raise ValueError(f"the dates have several orders ({'; '.join(seen.values())})")
        if len(possible) > 1 and shape in self.differing:
            raise ValueError(
                "nothing proves the order of day, month and year "
                f"({self.differing[shape]} can be {' or '.join(sorted(possible))})"
            )
        return min(possible)
