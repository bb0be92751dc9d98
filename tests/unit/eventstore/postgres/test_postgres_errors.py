"""Each error of the database becomes one of the store's, by SQLSTATE and constraint.

What is not known to be the caller's fault makes the store unavailable: that is waited for.
"""

import inspect

import asyncpg
import pytest
from asyncpg import exceptions

from eventstore.deadline import NoTimeLeft
from eventstore.errors import (
    AppendOnlyViolation,
    DuplicateEventId,
    EventStoreError,
    InvalidAppend,
    LayoutBusy,
    LockNotAvailable,
    NotAllowed,
    SchemaMissing,
    StoreUnavailable,
    StreamArchived,
)
from eventstore.postgres.errors import is_unavailable, translate, translated

STATES = sorted(
    {
        each.sqlstate
        for _, each in inspect.getmembers(exceptions, inspect.isclass)
        if getattr(each, "sqlstate", None)
    }
)
"""Every state that the driver knows."""

CLASSES: dict[str, type[EventStoreError] | None] = {
    **dict.fromkeys(["21", "22", "44", "54"], InvalidAppend),
    "23": None,  # by the constraint
    **dict.fromkeys(
        ["01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20"],
        StoreUnavailable,
    ),
    **dict.fromkeys(["24", "25", "26", "27", "28", "2B", "2D", "2F"], StoreUnavailable),
    **dict.fromkeys(["34", "38", "39", "3B", "3D", "3F", "40", "42", "53"], StoreUnavailable),
    **dict.fromkeys(["55", "57", "58", "72", "F0", "HV", "P0", "XX"], StoreUnavailable),
}
"""By the class of a state, its first two characters."""

STATES_OF_THEIR_OWN = {
    "2200H": StoreUnavailable,
    "3F000": SchemaMissing,
    "42P01": SchemaMissing,
    "42883": SchemaMissing,
    "42703": SchemaMissing,
    "42501": NotAllowed,
    "55P03": LockNotAvailable,
}


def database_error(
    sqlstate: str, constraint: str | None = None, schema: str | None = None
) -> asyncpg.PostgresError:
    error = asyncpg.PostgresError("a message that says something else")
    error.sqlstate = sqlstate
    error.constraint_name = constraint
    error.schema_name = schema
    return error


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_the_callers_fault_only_if_it_is_known_to_be(state: str) -> None:
    expected = STATES_OF_THEIR_OWN.get(state, CLASSES[state[:2]])
    ours = translate(database_error(state))
    assert (None if ours is None else type(ours)) is expected
    of_the_caller = expected is None or not issubclass(expected, StoreUnavailable)
    assert is_unavailable(database_error(state)) is not of_the_caller


@pytest.mark.parametrize("state", ["99999", "E0001", "", "P9999"])
def test_a_state_that_nobody_knows_makes_the_store_unavailable(state: str) -> None:
    assert type(translate(database_error(state))) is StoreUnavailable


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (database_error("ES001"), AppendOnlyViolation),
        (database_error("ES002"), AppendOnlyViolation),
        (database_error("ES003"), StoreUnavailable),
        (database_error("ES004"), LayoutBusy),
        (database_error("23505", "events_event_id_key", "eventstore"), DuplicateEventId),
        (database_error("23514", "streams_archived_check", "eventstore"), StreamArchived),
        (database_error("23505", "events_position_key", "eventstore"), StoreUnavailable),
        (asyncpg.InterfaceError("connection is closed"), StoreUnavailable),
        (asyncpg.InternalClientError('the protocol is in the "failed" state'), StoreUnavailable),
        (ConnectionRefusedError("127.0.0.1"), StoreUnavailable),
        (TimeoutError(), StoreUnavailable),
        (NoTimeLeft(), StoreUnavailable),
    ],
)
def test_an_error_is_told_by_its_code(error: Exception, expected: type[EventStoreError]) -> None:
    assert type(translate(error)) is expected


@pytest.mark.parametrize(
    "error",
    [
        database_error("23505", "some_other_key", "read_models"),
        asyncpg.exceptions._base.DataError("value out of range"),
        ValueError("a fault of the caller"),
        KeyError("a bug"),
    ],
)
def test_an_error_that_is_not_the_stores_stays_what_it_is(error: Exception) -> None:
    assert not is_unavailable(error)
    with pytest.raises(type(error)) as caught, translated():
        raise error
    assert caught.value is error


def test_an_error_of_the_store_itself_is_told_by_its_kind() -> None:
    assert is_unavailable(NotAllowed("no right"))
    assert not is_unavailable(InvalidAppend("no events"))
