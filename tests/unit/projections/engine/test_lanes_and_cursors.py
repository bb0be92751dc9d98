"""Lanes, cursors, page sizes, and the classification of errors."""

from datetime import UTC, datetime, timedelta, timezone

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidValue
from eventstore.errors import StoreUnavailable
from eventstore.model import BUCKETS
from projections.engine.control import divide
from projections.engine.sql_files import statement
from projections.errors import InvalidCursor, describe, is_outage
from projections.paging import checked_limit, decode_cursor, decode_sorted, encode_cursor

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 # gets its zone
IDS = st.text(alphabet="ABCabc019._-", min_size=1, max_size=64)


@given(st.integers(1, BUCKETS))
def test_lanes_cover_every_bucket_once(lanes: int) -> None:
    ranges = divide(lanes)
    assert len(ranges) == lanes
    covered = [bucket for first, end in ranges for bucket in range(first, end)]
    assert covered == list(range(BUCKETS))


@pytest.mark.parametrize("lanes", [0, -1, BUCKETS + 1])
def test_an_impossible_number_of_lanes_is_refused(lanes: int) -> None:
    with pytest.raises(ValueError, match="lanes"):
        divide(lanes)


@given(MOMENTS, IDS, st.integers(-(2**63), 2**63 - 1))
def test_a_cursor_decodes_to_its_key(moment: datetime, text: str, number: int) -> None:
    cursor = encode_cursor(moment, text, number)
    assert decode_cursor(cursor, datetime, str, int) == (moment, text, number)


@given(st.text(max_size=60))
def test_any_other_text_is_refused_as_a_cursor(text: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(text, datetime, str)


def test_a_cursor_of_another_listing_is_refused() -> None:
    for cursor in (encode_cursor(1), encode_cursor("a", "b"), encode_cursor(2**70, "a")):
        with pytest.raises(InvalidCursor):
            decode_cursor(cursor, int, str)


def test_a_cursor_of_another_sort_is_refused_even_if_its_key_looks_alike() -> None:
    cursor = encode_cursor("cheapest", 5, "a")
    assert decode_sorted(cursor, "cheapest", int, str) == (5, "a")
    assert decode_sorted(None, "dearest", int, str) == (None, None)
    with pytest.raises(InvalidCursor):
        decode_sorted(cursor, "dearest", int, str)


def test_cursor_times_keep_their_zone() -> None:
    moment = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    assert decode_cursor(encode_cursor(moment), datetime) == (moment,)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_cursor_of_another_century_is_refused(time: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(encode_cursor(time), datetime)


@pytest.mark.parametrize("limit", [0, -5, 1001])
def test_a_page_has_a_sensible_size(limit: int) -> None:
    with pytest.raises(ValueError, match="a page has"):
        checked_limit(limit)


@pytest.mark.parametrize("schema", ["", "Live", "a;b", 'a"b', "a" * 64])
def test_a_schema_name_is_plain(schema: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        statement("projections.read_models.current_orders", "get", schema)


def test_outages_are_distinguished_from_poison_events() -> None:
    outages = [
        ConnectionRefusedError(),
        StoreUnavailable("down"),
        asyncpg.DeadlockDetectedError("x"),
        asyncpg.AdminShutdownError("x"),
        asyncpg.UndefinedTableError("x"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError('the protocol is in the "failed" state'),
    ]
    poison = [
        asyncpg.UniqueViolationError("x"),
        asyncpg.NumericValueOutOfRangeError("x"),
        asyncpg.exceptions._base.DataError("value out of range"),
        InvalidValue("minor", "too big"),
        KeyError("A1"),
    ]
    assert [is_outage(error) for error in outages] == [True] * len(outages)
    assert [is_outage(error) for error in poison] == [False] * len(poison)


def test_descriptions_of_errors_hold_no_values() -> None:
    error = asyncpg.UniqueViolationError("duplicate key (name)=(Ann Example)")
    assert describe(error) == "UniqueViolationError 23505"
    with pytest.raises(KeyError) as caught:
        dict[str, int]()["Ann Example"]
    description = describe(caught.value)
    assert description.startswith("KeyError at test_descriptions_of_errors")
    assert "Ann" not in description
