"""What projections can refuse, and how foreign errors are told apart and described.

ProjectionError
├── UnknownProjection  no projection has that name
├── NotInstalled       a projection has no tables or lanes: run the migrations
├── RebuildNeeded      the tables were made from another version of the definition
├── InvalidCursor      a paging cursor was not made by this query
├── Stalled            batches of a lane go on failing because of the database
├── Interrupted        a rebuild was stopped before its end; starting it again goes on
└── BackfillRefused    notifications cannot go back while streams are parked
"""

from typing import Final

import asyncpg

from domain.errors import DomainError
from eventstore.errors import EventStoreError, StoreUnavailable


class ProjectionError(Exception):
    """Root of all refusals of the projections."""


class UnknownProjection(ProjectionError):
    """No projection has that name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"there is no projection {name!r}; there are: {', '.join(known)}")
        self.name = name


class NotInstalled(ProjectionError):
    """The tables of a projection are missing."""

    def __init__(self, name: str) -> None:
        super().__init__(f"projection {name!r} is not installed: run `ordersaga migrate`")
        self.name = name


class RebuildNeeded(ProjectionError):
    """The stored tables belong to another version of the projection."""

    def __init__(self, name: str, stored: int, wanted: int) -> None:
        super().__init__(
            f"projection {name!r} has tables of version {stored}, this program needs {wanted}: "
            f"run `ordersaga projections rebuild {name}`"
        )
        self.name = name


class InvalidCursor(ProjectionError):
    """A cursor is not one that this query returned."""

    def __init__(self) -> None:
        super().__init__("the cursor is not one that this listing returned")


class Stalled(ProjectionError):
    """A lane cannot be applied because of the database; nothing was lost."""

    def __init__(self, name: str, lane: int, error: str) -> None:
        super().__init__(f"lane {lane} of projection {name!r} makes no progress: {error}")
        self.name = name


class Interrupted(ProjectionError):
    """A rebuild was asked to stop; what it did is kept."""


class BackfillRefused(ProjectionError):
    """A projection with parked streams cannot go back; nothing was changed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"streams of {name!r} are parked: run `ordersaga projections replay {name}` first"
        )
        self.name = name


# The database or the way to it is at fault, not an event: the batch is tried again for ever.
_OUTAGES: Final = (
    StoreUnavailable,
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.TransactionRollbackError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.SyntaxOrAccessError,
    asyncpg.InternalServerError,
    asyncpg.InternalClientError,  # the driver, cut off in the middle of an exchange
)


def is_outage(error: BaseException) -> bool:
    """True if the error says nothing about the events, so that trying again is right."""
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)  # a ValueError is an argument that does not fit
    return isinstance(error, _OUTAGES)


def describe(error: BaseException) -> str:
    """One line about an error that holds no personal data.

    Database messages can quote values, so of those only code and names are kept.
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
