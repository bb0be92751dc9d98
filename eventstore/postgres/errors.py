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
    NotAllowed,
    SchemaMissing,
    StoreUnavailable,
    StreamArchived,
)

APPEND_ONLY: Final = "ES001"
BYPASSED: Final = "ES002"
_UNIQUE_VIOLATION: Final = "23505"
_CHECK_VIOLATION: Final = "23514"
_WRONG_STATE: Final = "55000"
_NOT_ALLOWED: Final = "42501"
# The constraints on an unpartitioned table, across partitions, and on the archive.
_EVENT_ID_KEYS: Final = frozenset(
    {"events_event_id_key", "event_ids_event_id_key", "archived_events_event_id_key"}
)
_ARCHIVED_CHECK: Final = "streams_archived_check"
_MISSING: Final = frozenset({"3F000", "42P01", "42883", "42703"})
_WITHOUT_EFFECT: Final = frozenset({"40001", "40P01", "55P03"})
# Data exceptions and program limits: a value that the server cannot take.
_UNACCEPTABLE_CLASSES: Final = frozenset({"22", "54"})
# Connection exceptions, insufficient resources, operator intervention.
_UNAVAILABLE_CLASSES: Final = frozenset({"08", "53", "57"})


def translate(error: BaseException) -> EventStoreError | None:
    """The store's error for a driver's error; None if there is none."""
    if isinstance(error, asyncpg.PostgresError):
        return _from_sqlstate(error)
    if isinstance(error, ValueError):
        return None  # the driver refused an argument: the caller's fault
    # InternalClientError: the driver's protocol was cut off in the middle of an exchange.
    broken = asyncpg.InterfaceError | asyncpg.InternalClientError | OSError | TimeoutError
    if isinstance(error, broken):
        return StoreUnavailable(f"no answer from the database ({type(error).__name__})")
    return None


def _from_sqlstate(error: asyncpg.PostgresError) -> EventStoreError | None:
    state: str = error.sqlstate or ""
    if state in (APPEND_ONLY, BYPASSED):
        return AppendOnlyViolation("stored events cannot be changed, removed or inserted by hand")
    if state in (_UNIQUE_VIOLATION, _CHECK_VIOLATION):
        return _from_constraint(error.constraint_name)
    if state == _WRONG_STATE:
        return LayoutBusy("the store is not ready for this step")
    if state in _MISSING:
        return SchemaMissing("the event store's schema is missing or old: run the migrations")
    if state == _NOT_ALLOWED:
        return NotAllowed(
            f"the database login lacks a right ({error.message}): processes get theirs by "
            "`ordersaga migrate --grant-to`, all else is for the login that migrates"
        )
    if state[:2] in _UNACCEPTABLE_CLASSES:
        return InvalidAppend(f"the database cannot take this value (SQLSTATE {state})")
    if state in _WITHOUT_EFFECT or state[:2] in _UNAVAILABLE_CLASSES:
        return StoreUnavailable(f"the database gave up (SQLSTATE {state})")
    return None


def _from_constraint(name: str | None) -> EventStoreError | None:
    if name in _EVENT_ID_KEYS:
        return DuplicateEventId("an event id is stored already, in another append")
    if name == _ARCHIVED_CHECK:
        return StreamArchived("a stream of this append is archived")
    return None


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
