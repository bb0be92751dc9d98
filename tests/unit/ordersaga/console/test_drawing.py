"""Money, times and pictures as pages show them; texts of others stay texts in all of them."""

from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from ordersaga.console import formats
from ordersaga.console.charts import Bar, Column, columns_chart, share_bar
from ordersaga.console.graph import draw
from ordersaga.console.steps import steps_of
from ordersaga.console.words import DONE, IDLE, WAITING, WRONG, meaning, words
from ordersaga.operations.orders import TimelineEntry
from ordersaga.operations.why import explain

RUN = "01a2208b-b6f6-7a37-bcab-e3955a0f460a"
AT = datetime(2026, 1, 31, 14, 5, tzinfo=UTC)


def entry(number: int, event_type: str, cause: str, what: str = "it happened") -> TimelineEntry:
    at = AT + timedelta(seconds=number)
    return TimelineEntry(number, at, "order-A", 1, event_type, what, "saga", "order-A", cause)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1250, "GBP", "12.50 <abbr>GBP</abbr>"),
        (-5, "GBP", "\N{MINUS SIGN}0.05 <abbr>GBP</abbr>"),
        (123456789, "GBP", "1,234,567.89 <abbr>GBP</abbr>"),
        (1200, "JPY", "1,200 <abbr>JPY</abbr>"),
        (1234567, "KWD", "1,234.567 <abbr>KWD</abbr>"),
    ],
)
def test_money_has_its_currency_and_its_decimals(minor: int, currency: str, text: str) -> None:
    assert text in formats.money(minor, currency)


def test_what_is_not_there_is_a_dash() -> None:
    dash = formats.money(None, "GBP")
    assert dash == formats.number(None) == formats.day(None)
    assert "&ndash;" in dash


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.2 s"), (45, "45 s"), (600, "10 min"), (30_000, "8 h"), (500_000, "6 days")],
)
def test_a_duration_has_the_unit_that_fits(seconds: float, text: str) -> None:
    assert formats.duration(seconds) == text


def test_a_sentence_begins_with_a_capital_and_keeps_its_ids() -> None:
    assert formats.sentence("order A-1x shipped") == "Order A-1x shipped"
    assert formats.sentence("") == ""


def test_a_day_is_short() -> None:
    assert formats.day(date(2026, 1, 5)) == "5 Jan 2026"


def test_statuses_have_words_and_one_of_the_meanings() -> None:
    assert (meaning("completed"), meaning("backordered")) == (DONE, WAITING)
    assert (meaning("lost"), meaning("something_new")) == (WRONG, IDLE)
    assert words("something_new") == "something new"


@pytest.mark.parametrize("values", [[], [0], [1, 5, 3], [1e12, 1]])
def test_a_chart_is_a_picture_with_a_title_whatever_its_values(values: list[float]) -> None:
    columns = [Column(f"<{index}>", [Bar("done", value)]) for index, value in enumerate(values)]
    figure = ET.fromstring(columns_chart(columns, "a & b"))  # noqa: S314  our own text
    (picture, _labels) = figure
    assert picture.get("aria-label") == "a & b"
    heights = [
        float(each.get("height", "nan")) for each in picture.iter() if each.tag.endswith("rect")
    ]
    assert len(heights) == len(values)
    assert all(0 <= height <= 100 for height in heights)


@pytest.mark.parametrize(("part", "share"), [(0, 0), (1, 50), (2, 100), (9, 100)])
def test_a_share_is_never_more_than_the_whole(part: float, share: float) -> None:
    assert f'width="{share:.1f}"' in share_bar(part, 2, "running")
    assert 'width="0.0"' in share_bar(part, 0, "running")


def test_the_graph_has_a_box_an_act_and_an_arrow_from_what_led_to_it() -> None:
    story = [
        entry(1, "OrderSubmitted", "api-1", "<script>alert(1)</script>"),
        entry(2, "OrderReserved", f"{RUN}/reserve-inventory"),
        entry(3, "PaymentCaptured", f"{RUN}/process-payment"),
    ]
    picture = draw(explain(story).acts, "/console/orders/A")
    root = ET.fromstring(picture)  # noqa: S314  our own text
    tags = [each.get("class", "") for each in root.iter()]
    assert sum("node" in each for each in tags) == 3
    assert sum(each == "edge" for each in tags) == 2
    assert "<script" not in picture
    assert 'href="/console/orders/A?position=3"' in picture


def test_a_step_is_where_its_latest_event_left_it() -> None:
    story = [
        entry(1, "OrderReserved", f"{RUN}/a"),
        entry(2, "PaymentCaptured", f"{RUN}/b"),
        entry(3, "StepFailed", f"{RUN}/c", "create_shipment failed (address_refused): no"),
        entry(4, "CompensationStarted", f"{RUN}/c"),
        entry(5, "PaymentRefunded", f"{RUN}/d"),
        entry(6, "StockReleased", f"{RUN}/e"),
    ]
    assert [(row.name, row.state) for row in steps_of(story)] == [
        ("reserve_inventory", "undone"),
        ("process_payment", "undone"),
        ("create_shipment", "failed"),
    ]
    assert [row.state for row in steps_of(story[:1])] == ["done", "to_come", "to_come"]
    assert [row.name for row in steps_of([entry(1, "PaymentAuthorised", "x")])][
        -1
    ] == "capture_payment"
