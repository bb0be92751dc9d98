"""What an order wants done if items are unavailable, or if a provider fails for long."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.fields import check_range

MAX_DEADLINE_HOURS: Final = 2_160
"""Ninety days."""


class UnavailablePolicy(StrEnum):
    """What happens if stock does not suffice.

    cancel: the order is cancelled immediately. ship_available: it continues with the available
    pieces. wait: it queues for the missing pieces. ask: it queues, and its customer is asked.
    """

    CANCEL = "cancel"
    SHIP_AVAILABLE = "ship_available"
    WAIT = "wait"
    ASK = "ask"


class DeadlineDefault(StrEnum):
    """What happens at the deadline of a waiting order."""

    CANCEL = "cancel"
    SHIP_AVAILABLE = "ship_available"


class ShortageChoice(StrEnum):
    """What a customer who is asked can choose."""

    SHIP_AVAILABLE = "ship_available"
    WAIT = "wait"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class UnavailableTerms:
    """What the order wants done; the deadline counts from the shortage or from a choice to wait."""

    policy: UnavailablePolicy = UnavailablePolicy.CANCEL
    deadline_hours: int = 72
    default: DeadlineDefault = DeadlineDefault.CANCEL


CANCEL_AT_ONCE: Final = UnavailableTerms()
"""The terms of an order that does not state any."""


def check_unavailable(terms: UnavailableTerms) -> None:
    """Raise InvalidValue unless `deadline_hours` is a whole number up to MAX_DEADLINE_HOURS."""
    check_range(terms.deadline_hours, "unavailable.deadline_hours", 1, MAX_DEADLINE_HOURS)


# --- a provider that fails ------------------------------------------------------------------------

MAX_CANCEL_AFTER_S: Final = 90 * 24 * 3600
"""Ninety days."""


@dataclass(frozen=True, slots=True)
class OutageTerms:
    """Wait, however long; or cancel the order once a provider has failed for `cancel_after_s`.

    The seconds count from the first failure that a worker saw, while that provider is asked.
    """

    cancel_after_s: int | None = None


WAIT: Final = OutageTerms()
"""The order waits, whatever the installation's setting says."""


def check_outage(terms: OutageTerms | None) -> None:
    """Raise InvalidValue unless `cancel_after_s` is a whole number up to MAX_CANCEL_AFTER_S."""
    if terms is not None and terms.cancel_after_s is not None:
        check_range(terms.cancel_after_s, "on_outage.cancel_after", 1, MAX_CANCEL_AFTER_S)
