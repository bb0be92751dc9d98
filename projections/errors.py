"""The errors of the projections, and how other errors are classified and described.

ProjectionError
├── UnknownProjection  no projection has that name
├── NotInstalled       a projection has no tables or lanes: run the migrations
├── VersionMismatch    the tables belong to another version of the projection
├── InvalidCursor      the cursor was not returned by this listing
├── Stalled            a lane makes no progress because of the database
├── Interrupted        a rebuild was stopped; starting it again continues
└── BackfillRefused    no backfill of notifications while streams are parked
"""

import asyncpg

from domain.errors import DomainError
from eventstore.errors import EventStoreError
from eventstore.postgres.errors import is_unavailable


class ProjectionError(Exception):
    """Base class of the errors of the projections."""


class UnknownProjection(ProjectionError):
    """No projection has that name."""

    def __init__(self, name: str, names: tuple[str, ...]) -> None:
        super().__init__(f"there is no projection {name!r}; there are: {', '.join(names)}")


class NotInstalled(ProjectionError):
    """The tables of a projection are missing."""

    def __init__(self, name: str) -> None:
        super().__init__(f"projection {name!r} is not installed: run `ordersaga migrate`")


class VersionMismatch(ProjectionError):
    """The stored tables belong to another version of the projection: it is not written to."""

    def __init__(self, name: str, stored: int, required: int) -> None:
        advice = (
            f"run `ordersaga projections rebuild {name}`"
            if stored < required
            else "a newer program has rebuilt it, replace this one"
        )
        super().__init__(
            f"projection {name!r} has tables of version {stored}, "
            f"this program requires {required}: {advice}"
        )


class InvalidCursor(ProjectionError):
    """The cursor was not returned by this listing."""

    def __init__(self) -> None:
        super().__init__("the cursor was not returned by this listing")


class Stalled(ProjectionError):
    """A lane cannot be applied because of the database; nothing is lost."""

    def __init__(self, name: str, lane: int, error: str) -> None:
        super().__init__(f"lane {lane} of projection {name!r} makes no progress: {error}")


class Interrupted(ProjectionError):
    """A rebuild was asked to stop; its progress is kept."""


class BackfillRefused(ProjectionError):
    """A projection with parked streams cannot be moved back; nothing was changed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"streams of {name!r} are parked: run `ordersaga projections replay {name}` first"
        )


def is_outage(error: BaseException) -> bool:
    """True if the error is not caused by the events, so the batch is retried without limit."""
    return is_unavailable(error)


def describe(error: BaseException) -> str:
    """The error in one line, without personal data.

    Database messages may quote values, so only the code and names are kept.
    """
    name = type(error).__name__
    if isinstance(error, DomainError | EventStoreError):
        return f"{name}: {error}"
    if isinstance(error, asyncpg.PostgresError):
        place = error.constraint_name or error.column_name or error.table_name or ""
        return f"{name} {error.sqlstate} {place}".strip()
    return f"{name} at {_place(error)}"


def _place(error: BaseException) -> str:
    traceback = error.__traceback__
    if traceback is None:
        return "an unknown place"
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    return f"{code.co_qualname}, line {traceback.tb_lineno}"
