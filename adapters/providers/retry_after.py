"""``Retry-After`` of an HTTP answer (RFC 9110, 10.2.3): seconds, or a date."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_DIGITS: Final = 9  # of seconds; more are longer than any limit


def retry_after_s(headers: Mapping[str, str], longest_s: float) -> float | None:
    """The seconds after which a server wants to be asked again, 0 to `longest_s`.

    A date is compared with the date of the answer, so that our clock may be wrong.

    Args:
        headers: of the answer; names in any case.
        longest_s: what is longer is cut to this.

    Returns:
        None if there is no such header, or it cannot be read.
    """
    text = _header(headers, "retry-after")
    if text.isascii() and text.isdigit():
        return min(float(text), longest_s) if len(text) <= _DIGITS else longest_s
    until = _moment(text)
    if until is None:
        return None
    since = _moment(_header(headers, "date")) or datetime.fromtimestamp(time.time(), UTC)
    return min(max((until - since).total_seconds(), 0.0), longest_s)


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value.strip() for key, value in headers.items() if key.lower() == name), "")


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
