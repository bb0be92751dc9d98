"""Dates of shops: the order of day and month is proved by the whole file, never guessed."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersaga.importing.dates import ORDERS, DateProof, parse_written


def read(text: str, order: str = "", zone: str = "UTC") -> str | None:
    written = parse_written(text)
    moment = written and written.in_order(order, ZoneInfo(zone))
    return moment.isoformat() if moment else None


@pytest.mark.parametrize(
    ("text", "order", "moment"),
    [
        ("2010-12-01 08:26:00", "", "2010-12-01T08:26:00+00:00"),
        ("2010-12-01T08:26", "dmy", "2010-12-01T08:26:00+00:00"),
        ("2010/12/1 8:26", "", "2010-12-01T08:26:00+00:00"),
        ("2010-12-01T08:26:00Z", "", "2010-12-01T08:26:00+00:00"),
        ("2010-12-01T08:26:00.123+02:00", "", "2010-12-01T06:26:00+00:00"),
        ("2012-01-01 11:13:25 -0500", "", "2012-01-01T16:13:25+00:00"),
        ("2024-05-01 10:00:00 UTC", "", "2024-05-01T10:00:00+00:00"),
        ("2010-12-01", "", "2010-12-01T00:00:00+00:00"),
        ("13/04/2011 08:26", "dmy", "2011-04-13T08:26:00+00:00"),
        ("12/1/2010 8:26", "mdy", "2010-12-01T08:26:00+00:00"),
        ("01-12-2010 08:26", "dmy", "2010-12-01T08:26:00+00:00"),
        ("01.12.2010, 08:26", "dmy", "2010-12-01T08:26:00+00:00"),
        ("12/1/10 8:26", "mdy", "2010-12-01T08:26:00+00:00"),
        ("10/12/01", "ymd", "2010-12-01T00:00:00+00:00"),
        ("12/1/2010 8:26 PM", "mdy", "2010-12-01T20:26:00+00:00"),
        ("12/1/2010 12:05 am", "mdy", "2010-12-01T00:05:00+00:00"),
        ("1 Dec 2010 08:26", "", "2010-12-01T08:26:00+00:00"),
        ("01-Dec-2010", "", "2010-12-01T00:00:00+00:00"),
        ("December 1, 2010 8:26 pm", "", "2010-12-01T20:26:00+00:00"),
        ("13/04/2011 08:26", "mdy", None),
        ("13/13/2011", "dmy", None),
        ("30/02/2011", "dmy", None),
        ("2010-13-01", "", None),
        ("2010-12-01 24:01", "", None),
        ("2010-12-01 13:00 PM", "", None),
        ("2010-12-01 08:26 +99:00", "", None),
        ("01/12/2010", "", None),
        ("1/2.2010", "dmy", None),
        ("0001-01-01", "", None),
        ("9999-12-31", "", None),
        ("yesterday", "", None),
        ("20101201", "", None),
        ("40513", "", None),
        ("\u0661/\u0662/\u0662\u0660\u0661\u0660", "dmy", None),
    ],
)
def test_a_text_is_one_moment_in_the_order_of_its_file(
    text: str, order: str, moment: str | None
) -> None:
    assert read(text, order) == moment


def test_a_time_without_zone_is_in_the_zone_of_the_shop() -> None:
    assert read("2026-07-01 10:00", zone="Europe/Berlin") == "2026-07-01T08:00:00+00:00"
    assert read("2026-07-01 10:00 +0000", zone="Europe/Berlin") == "2026-07-01T10:00:00+00:00"


def proof(*texts: str) -> DateProof:
    seen = DateProof()
    for number, text in enumerate(texts, start=2):
        seen.see(text, f"line {number}")
    return seen


@pytest.mark.parametrize(
    ("texts", "orders"),
    [
        (["2010-12-01"], {}),
        (["12/04/2011", "13/04/2011"], {"year last": "dmy"}),
        (["12/04/2011", "04/13/2011"], {"year last": "mdy"}),
        (["01/01/2011"], {"year last": "dmy"}),
        (["2010-12-01", "13/04/2011"], {"year last": "dmy"}),
        (["12/04/11", "13/04/32"], {"short year": "dmy"}),
        (["12/04/2011", "13/13/2011", "13/04/2011"], {"year last": "dmy"}),
    ],
)
def test_all_dates_together_prove_their_order(texts: list[str], orders: dict[str, str]) -> None:
    assert proof(*texts).decided(None) == orders


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (["01/01/2011", "05/04/2011"], "line 3: 05/04/2011 can be dmy or mdy"),
        (["12/04/2011", "13/04/2011", "04/13/2011"], "several orders"),
        (["10/12/01"], "nothing proves"),
        (["13/04/2011", "10/12/01"], "line 3: 10/12/01 can be"),
    ],
)
def test_what_nothing_proves_is_refused_with_the_line(texts: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        proof(*texts).decided(None)


def test_a_given_order_needs_no_proof() -> None:
    orders = proof("05/04/2011").decided("mdy")
    assert read("05/04/2011", orders["year last"]) == "2011-05-04T00:00:00+00:00"


_FORMS = {"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y", "ymd": "%Y/%m/%d"}


@given(
    st.lists(st.dates(date(2000, 1, 2), date(2099, 12, 30)), min_size=1),
    st.sampled_from(ORDERS),
    st.booleans(),
)
def test_a_file_of_dates_is_read_as_it_was_written_or_refused(
    days: list[date], order: str, short: bool
) -> None:
    form = _FORMS[order].replace("%Y", "%y" if short else "%Y")
    texts = [day.strftime(form) for day in days]
    try:
        orders = proof(*texts).decided(None)
    except ValueError:
        return
    for text, day in zip(texts, days, strict=True):
        written = parse_written(text)
        assert written is not None
        moment = written.in_order(orders.get(written.shape, ""), UTC)
        assert moment == datetime(day.year, day.month, day.day, tzinfo=UTC)
