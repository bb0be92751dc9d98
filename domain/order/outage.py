"""What an order wants done if a provider fails for long."""

from dataclasses import dataclass
from typing import Final

from domain.fields import check_range

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
