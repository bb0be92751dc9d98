"""Timeouts and retry policies of the saga, named once.

A step's budget is a number of attempts, not a span of time: only attempts that a worker has begun
count. So a provider that stays down turns the saga back after some two minutes (twice that if each
attempt hangs), but an order whose task queue has no worker at all waits until there is one again,
however long that takes; nothing is wrong with the order, and undoing it needs the same workers. It
can still be cancelled and held meanwhile. The same goes for the event store: without it nothing
could be recorded of turning back, so a step that it keeps from its end is tried on and on.

An attempt ends after ATTEMPT; that is also how long the saga takes to notice a worker that died in
the middle of one. Adapters give their HTTP calls a shorter time-out, so that a slow provider ends
in "outcome unknown" inside the activity, which then looks the outcome up.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from temporalio.common import RetryPolicy

ATTEMPT: Final = timedelta(seconds=10)
STEP_ATTEMPTS: Final = 13
"""With the pauses between them some two minutes."""
COMPENSATION_ATTEMPTS: Final = 16
"""With the pauses between them some ten minutes."""

RESERVATION_HELD_FOR: Final = timedelta(hours=24)
"""An order on hold keeps its stock from others for so long, unless its payment was asked for."""

LOOK_AGAIN_AFTER: Final = timedelta(minutes=1)
"""A charge whose fate nobody knows may still arrive: how long to wait for it before closing."""

SILENCE: Final = timedelta(days=14)
"""A parcel on its way without any news for so long needs a person."""

LOOKS: Final = 8
"""How often an order that waits for stock looks by itself until its deadline."""

SLOW_AFTER: Final = timedelta(seconds=10)
"""A saga with a timer that is open after this long shows each further step."""
NO_WORKER_FOR: Final = timedelta(minutes=1)
"""A step that no worker has begun after this long makes its saga a slow one. Replacing the workers
by new ones takes less."""
FIRST_ATTEMPTS: Final = 5
"""Attempts of a first try; with the pauses between them some eight seconds."""

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
    """How long an attempt may take, how often and at what intervals there is another one.

    Attributes:
        attempt: how long an attempt may take.
        backoff: how often and at what intervals there is another one.
        waiting: how long an attempt may wait for a worker; None: however long it takes.
        first: what is tried before, to find out whether this is quickly done.
    """

    attempt: timedelta
    backoff: RetryPolicy
    waiting: timedelta | None = None
    first: "Policy | None" = None


FIRST_TRY: Final = Policy(
    ATTEMPT,
    # The name that Temporal's server has for an attempt that took too long: one is enough here.
    replace(
        _BACKOFF,
        maximum_attempts=FIRST_ATTEMPTS,
        non_retryable_error_types=["TemporalTimeout:StartToClose"],
    ),
    waiting=NO_WORKER_FOR,
)
"""What most steps need. If it does not do, the saga is slow: it says so, and the step goes on with
the whole budget. A timer instead would cost each saga that is not slow a write to the server."""

STEP: Final = Policy(ATTEMPT, replace(_BACKOFF, maximum_attempts=STEP_ATTEMPTS), first=FIRST_TRY)

COMPENSATION: Final = Policy(
    ATTEMPT, replace(_PATIENT_BACKOFF, maximum_attempts=COMPENSATION_ATTEMPTS)
)

RECORD: Final = Policy(ATTEMPT, _PATIENT_BACKOFF)
"""Writing the saga's own trail has no budget: there is nothing to do instead."""

PARCEL: Final = Policy(
    ATTEMPT,
    RetryPolicy(
        initial_interval=timedelta(seconds=5),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(minutes=10),
        maximum_attempts=13,
    ),
)
"""A scan that is ahead of its label is tried again for about an hour."""
