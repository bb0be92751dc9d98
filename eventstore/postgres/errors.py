"""Translates errors of PostgreSQL and its driver to the store's own.

Only here, and by SQLSTATE and constraint name, never by message text.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

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

APPEND_ONLY: Final = "ES001"
BYPASSED: Final = "ES002"
LAYOUT: Final = "ES004"
_UNIQUE_VIOLATION: Final = "23505"
_CHECK_VIOLATION: Final = "23514"
_NOT_ALLOWED: Final = "42501"
_LOCK_NOT_AVAILABLE: Final = "55P03"
# The constraints on an unpartitioned table, across partitions, and on the archive.
_EVENT_ID_KEYS: Final = frozenset(
    {"events_event_id_key", "event_ids_event_id_key", "archived_events_event_id_key"}
)
_OUR_SCHEMA: Final = "eventstore"
_ARCHIVED_CHECK: Final = "streams_archived_check"
_MISSING: Final = frozenset({"3F000", "42P01", "42883", "42703"})

# What a value can cause: it is refused in the same way each time, wherever it is sent.
_VALUE_CLASSES: Final = frozenset(
    {
        "21",  # cardinality: the same row twice
        "22",  # data exceptions
        "44",  # a view's check
        "54",  # program limits, such as the depth of a document
    }
)
_CONSTRAINT_CLASS: Final = "23"
_NOT_BY_VALUE: Final = frozenset({"2200H"})  # a sequence has reached its end


def translate(error: BaseException) -> EventStoreError | None:
    """The store's error for a driver's error; None if it is the caller's, or a bug.

    What is not known to be the caller's fault is `StoreUnavailable`: it may work later, or
    elsewhere, and whoever asked for it is not to blame.
    """
    if isinstance(error, asyncpg.PostgresError):
        return _from_sqlstate(error)
    if isinstance(error, ValueError):
        return None  # the driver refused an argument: the caller's fault
    # InternalClientError: the driver's protocol was cut off in the middle of an exchange.
    broken = asyncpg.InterfaceError | asyncpg.InternalClientError | OSError | TimeoutError
    if isinstance(error, broken):
        return StoreUnavailable(f"no answer from the database ({type(error).__name__})")
    return None


def is_unavailable(error: BaseException) -> bool:
    """Whether an error of the store or of the driver says that the store is unavailable."""
    return isinstance(translate(error) or error, StoreUnavailable)


def _from_sqlstate(error: asyncpg.PostgresError) -> EventStoreError | None:
    state: str = error.sqlstate or ""
    if state in (APPEND_ONLY, BYPASSED):
        return AppendOnlyViolation("stored events cannot be changed, removed or inserted by hand")
    if state == LAYOUT:
        return LayoutBusy("the store is not ready for this step")
    if state[:2] == _CONSTRAINT_CLASS:
        return _from_constraint(error)
    if state[:2] in _VALUE_CLASSES and state not in _NOT_BY_VALUE:
        return InvalidAppend(f"the database cannot take this value (SQLSTATE {state})")
    return _unavailable(state, error.message)


def _from_constraint(error: asyncpg.PostgresError) -> EventStoreError | None:
    name = error.constraint_name
    if name in _EVENT_ID_KEYS:
        return DuplicateEventId("an event id is stored already, in another append")
    if name == _ARCHIVED_CHECK:
        return StreamArchived("a stream of this append is archived")
    if error.schema_name == _OUR_SCHEMA:
        # No append can violate another constraint of ours; a damaged database can.
        return StoreUnavailable(f"the event store contradicts itself ({name})")
    return None


def _unavailable(state: str, message: str | None) -> StoreUnavailable:
    if state in _MISSING:
        return SchemaMissing("the event store's schema is missing or old: run the migrations")
    if state == _NOT_ALLOWED:
        return NotAllowed(
            f"the database login lacks a right ({message}): programs get theirs by "
            "`ordersaga migrate --grant ROLE=LOGIN`, all else is for the login that migrates"
        )
    if state == _LOCK_NOT_AVAILABLE:
        return LockNotAvailable("a lock was not free in time")
    return StoreUnavailable(f"the database gave up (SQLSTATE {state})")


@contextmanager
def translated() -> Iterator[None]:
    """Raise the store's own errors instead of the driver's."""
    try:
        yield
    except Exception as error:
        ours = translate(error)
        if ours is None:
            raise
        raise ours from error
