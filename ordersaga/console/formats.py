"""Values as pages show them: money with its currency, times in the reader's zone."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from domain.money import Money, format_amount
from ordersaga.console.words import meaning, words

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400
_NOTHING: Final = Markup('<span class="none" title="nothing">&ndash;</span>')


def money(minor: int | None, currency: str | None) -> Markup:
    """An amount in minor units, with its currency."""
    if minor is None or currency is None:
        return _NOTHING
    number, _, code = format_amount(Money(minor, currency)).partition(" ")
    whole, point, part = number.partition(".")
    sign, digits = ("\N{MINUS SIGN}", whole[1:]) if whole.startswith("-") else ("", whole)
    text = f"{sign}{int(digits):,}{point}{part}"
    return Markup('<span class="money">{} <abbr>{}</abbr></span>').format(text, code)


def number(value: int | None) -> Markup:
    """A number with separators."""
    return _NOTHING if value is None else Markup("{}").format(f"{value:,}")


def badge(status: str | None) -> Markup:
    """A status in words, with the colour of what it means."""
    return Markup('<span class="badge is-{}">{}</span>').format(meaning(status), words(status))


@pass_context
def when(context: Context, at: datetime | None) -> Markup:
    """A time in the reader's zone; the exact one in UTC shows on demand."""
    if at is None:
        return _NOTHING
    local = at.astimezone(_zone(context))
    year = "" if local.year == datetime.now(UTC).year else f" {local.year}"
    text = f"{local.day} {local:%b}{year}, {local:%H:%M:%S} {local:%Z}"
    return _time(at, text)


@pass_context
def ago(context: Context, at: datetime | None) -> Markup:
    """How long ago a time is, or how soon it will be."""
    if at is None:
        return _NOTHING
    seconds = (context["now"] - at).total_seconds()
    text = f"{duration(seconds)} ago" if seconds >= 0 else f"in {duration(-seconds)}"
    return _time(at, text)


def _time(at: datetime, text: str) -> Markup:
    exact = at.astimezone(UTC).isoformat(sep=" ", timespec="milliseconds")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), exact, text)


def _zone(context: Context) -> ZoneInfo:
    zone: ZoneInfo = context["zone"]
    return zone


def duration(seconds: float) -> str:
    """A duration, in the unit that fits it."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.0f} h"
    return f"{seconds / _DAY:.0f} days"


def day(value: date | None) -> Markup:
    """A day."""
    return _NOTHING if value is None else Markup("{}").format(f"{value.day} {value:%b %Y}")


def moment(text: str | None) -> datetime | None:
    """The time that a text in ISO form names."""
    return datetime.fromisoformat(text) if text else None


def sentence(text: str) -> str:
    """The text as it begins a sentence; ids in it stay as they are."""
    return text[:1].upper() + text[1:]


def pretty(data: Any) -> str:
    """JSON for people to read."""
    return json.dumps(data, indent=2, ensure_ascii=False, default=str)


FILTERS: Final[Mapping[str, Any]] = {
    "moment": moment,
    "money": money,
    "number": number,
    "badge": badge,
    "when": when,
    "ago": ago,
    "duration": duration,
    "day": day,
    "pretty": pretty,
    "sentence": sentence,
    "words": words,
    "meaning": meaning,
}
"""The filters of the templates."""
