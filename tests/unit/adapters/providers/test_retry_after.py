"""``Retry-After`` is read in both its forms, and never believed beyond a limit."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.retry_after import retry_after_s

LONGEST_S = 60.0
NOW = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("60", 60),
        ("86400", 60),
        ("9" * 5000, 60),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2026 07:28:30 -0000", 30),
        ("Wed, 21 Oct 2026 09:28:30 +0200", 30),
        ("Wed, 21 Oct 2026 07:20:00 GMT", 0),
        ("Thu, 31 Dec 9999 23:59:59 GMT", 60),
        ("Wednesday, 21-Oct-26 07:28:30 GMT", 30),
    ],
)
def test_it_is_read(value: str, seconds: float) -> None:
    assert retry_after_s({"retry-after": value, "DATE": NOW}, LONGEST_S) == seconds


@pytest.mark.parametrize(
    "value",
    ["", "-1", "1.5", "soon", "٣", "1e3", "Wed, 32 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026"],
)
def test_what_is_neither_says_nothing(value: str) -> None:
    assert retry_after_s({"Retry-After": value, "Date": NOW}, LONGEST_S) is None


def test_without_the_header_nothing_is_said() -> None:
    assert retry_after_s({"Date": NOW}, LONGEST_S) is None


@pytest.mark.parametrize("date", [{}, {"Date": "yesterday"}])
def test_without_a_date_of_the_answer_our_clock_counts(date: dict[str, str]) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    assert retry_after_s({**date, "Retry-After": soon}, LONGEST_S) == pytest.approx(40, abs=3)


@given(st.text(), st.text())
def test_no_value_breaks_it(value: str, date: str) -> None:
    seconds = retry_after_s({"Retry-After": value, "Date": date}, LONGEST_S)
    assert seconds is None or 0 <= seconds <= LONGEST_S


@given(
    st.datetimes(timezones=st.just(UTC), min_value=datetime(1900, 1, 1)),  # noqa: DTZ001  hypothesis wants it naive
    st.datetimes(timezones=st.just(UTC), min_value=datetime(1900, 1, 1)),  # noqa: DTZ001  the same
)
def test_any_two_dates_give_a_time_within_the_limit(until: datetime, now: datetime) -> None:
    headers = {
        name: format_datetime(at, usegmt=True)
        for name, at in (("Retry-After", until), ("Date", now))
    }
    seconds = retry_after_s(headers, LONGEST_S)
    assert seconds is not None
    assert 0 <= seconds <= LONGEST_S
