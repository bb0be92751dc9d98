"""Each kind of database error becomes one error of the store, by SQLSTATE and constraint."""

import asyncpg
import pytest

from eventstore.errors import (
    AppendOnlyViolation,
    DuplicateEventId,
    EventStoreError,
    InvalidAppend,
    SchemaMissing,
    StoreUnavailable,
)
from eventstore.postgres.errors import translate, translated


def database_error(sqlstate: str, constraint: str | None = None) -> asyncpg.PostgresError:
    error = asyncpg.PostgresError("a message that says something else")
    error.sqlstate = sqlstate
    error.constraint_name = constraint
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (database_error("ES001"), AppendOnlyViolation),
        (database_error("ES002"), AppendOnlyViolation),
        (database_error("23505", "events_event_id_key"), DuplicateEventId),
        (database_error("42P01"), SchemaMissing),
        (database_error("3F000"), SchemaMissing),
        (database_error("22P05"), InvalidAppend),
        (database_error("54000"), InvalidAppend),
        (database_error("40P01"), StoreUnavailable),
        (database_error("53300"), StoreUnavailable),
        (database_error("57P01"), StoreUnavailable),
        (database_error("08006"), StoreUnavailable),
        (asyncpg.InterfaceError("connection is closed"), StoreUnavailable),
        (asyncpg.InternalClientError('the protocol is in the "failed" state'), StoreUnavailable),
        (ConnectionRefusedError("127.0.0.1"), StoreUnavailable),
        (TimeoutError(), StoreUnavailable),
    ],
)
def test_an_error_is_told_by_its_code(error: Exception, expected: type[EventStoreError]) -> None:
    assert type(translate(error)) is expected


@pytest.mark.parametrize(
    "error",
    [
        database_error("23505", "some_other_key"),
        database_error("42601"),
        ValueError("a fault of the caller"),
        KeyError("a bug"),
    ],
)
def test_an_error_that_is_not_the_stores_stays_what_it_is(error: Exception) -> None:
    assert translate(error) is None
    with pytest.raises(type(error)) as caught, translated():
        raise error
    assert caught.value is error
