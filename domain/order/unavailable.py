"""What an order wants done when items are unavailable, and what is missing then."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.errors import InvalidValue

MAX_DEADLINE_HOURS: Final = 2_160
"""Ninety days."""


class UnavailablePolicy(StrEnum):
    """What happens first when the stock does not suffice.

    cancel: the order ends at once, nothing is set aside. ship_available: it goes on with what is
    there. wait: it queues for the missing pieces. ask: it queues, and its customer is asked.
    """

    CANCEL = "cancel"
    SHIP_AVAILABLE = "ship_available"
    WAIT = "wait"
    ASK = "ask"


class DeadlineDefault(StrEnum):
    """What happens when the deadline of a waiting order has passed."""

    CANCEL = "cancel"
    SHIP_AVAILABLE = "ship_available"


class ShortageChoice(StrEnum):
    """What a customer can answer."""

    SHIP_AVAILABLE = "ship_available"
    WAIT = "wait"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class UnavailableTerms:
    """What the order wants done; a deadline counts from the shortage, or from a choice to wait."""

    policy: UnavailablePolicy = UnavailablePolicy.CANCEL
    deadline_hours: int = 72
    default: DeadlineDefault = DeadlineDefault.CANCEL


CANCEL_AT_ONCE: Final = UnavailableTerms()
"""The terms of an order that says nothing of them."""


def check_unavailable(terms: UnavailableTerms, field: str = "unavailable") -> None:
    """Raise InvalidValue naming ``<field>.deadline_hours`` unless the deadline can be kept."""
    hours = terms.deadline_hours
    if type(hours) is not int or not 1 <= hours <= MAX_DEADLINE_HOURS:
        problem = f"must be a whole number from 1 to {MAX_DEADLINE_HOURS}"
        raise InvalidValue(f"{field}.deadline_hours", problem)
