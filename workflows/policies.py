"""Timeouts and retry policies of the saga, named once.

A step's budget (`schedule_to_close`) runs from the moment the step is asked for: it covers waiting
for a worker, every attempt and the pauses between them. So an outage of all workers of one queue
that outlasts the budget counts as "unavailable" like an outage of the provider behind it.

An attempt ends after ATTEMPT; that is also how long the saga takes to notice a worker that died in
the middle of one. Adapters give their HTTP calls a shorter time-out, so that a slow provider ends
in "outcome unknown" inside the activity, which then looks the outcome up.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.common import RetryPolicy

ATTEMPT: Final = timedelta(seconds=10)
STEP_BUDGET: Final = timedelta(minutes=2)
COMPENSATION_BUDGET: Final = timedelta(minutes=10)

LOOK_AGAIN_AFTER: Final = timedelta(minutes=1)
"""A charge whose fate nobody knows may still arrive: how long to wait for it before closing."""

SLOW_AFTER: Final = timedelta(seconds=10)
"""A saga still open after this long shows each further step in its search attributes."""

_BACKOFF: Final = RetryPolicy(
    initial_interval=timedelta(milliseconds=500),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=15),
)
_PATIENT_BACKOFF: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(minutes=1),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """How long and how often an activity is tried; no `budget` means for ever."""

    attempt: timedelta
    budget: timedelta | None
    backoff: RetryPolicy


STEP: Final = Policy(ATTEMPT, STEP_BUDGET, _BACKOFF)

COMPENSATION: Final = Policy(ATTEMPT, COMPENSATION_BUDGET, _PATIENT_BACKOFF)

RECORD: Final = Policy(ATTEMPT, None, _PATIENT_BACKOFF)
"""Writing the saga's own trail has no budget: there is nothing to do instead."""
