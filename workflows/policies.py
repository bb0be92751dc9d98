"""Timeouts and retry policies of the workflows, named once.

Import the module, not its names, so that a test can replace a policy in one place.

A step's budget is a number of attempts, not a span of time: only attempts that a worker has begun
count. So if a provider stays down, the saga turns back after about two minutes, or four if every
attempt hangs. If a task queue has no worker, the order waits until there is one: nothing is wrong
with the order, and undoing it needs the same workers. It can still be cancelled and held. The same
goes for the event store. Without it turning back could not be recorded, so a step that the store
prevents from finishing is retried indefinitely.

An attempt ends after ATTEMPT; that is also how long the saga takes to notice that a worker died
during one. Adapters give their HTTP calls a shorter timeout. So a slow provider ends in "outcome
unknown" inside the activity, which then looks the outcome up.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from temporalio.common import RetryPolicy

ATTEMPT: Final = timedelta(seconds=10)
STEP_ATTEMPTS: Final = 13
"""About two minutes, with the pauses between them."""
COMPENSATION_ATTEMPTS: Final = 16
"""About ten minutes, with the pauses between them."""

RESERVATION_HELD_FOR: Final = timedelta(hours=24)
"""How long an order on hold keeps its stock, unless its payment was requested."""

LOOK_AGAIN_AFTER: Final = timedelta(minutes=1)
"""How long the saga waits before it looks again for a charge or label that may still arrive."""

STORE_PAUSE: Final = timedelta(seconds=15)
"""How long a delivery or a return waits before it asks an unavailable event store again."""

SILENCE: Final = timedelta(days=14)
"""A parcel without any news for this long needs an operator."""

LOOKS: Final = 8
"""How often a waiting order checks the stock before its deadline even without a signal."""

SLOW_AFTER: Final = timedelta(seconds=10)
"""A saga that uses a timer, not a short first try, counts as slow after this long."""
NO_WORKER_FOR: Final = timedelta(minutes=1)
"""A saga counts as slow if no worker has begun its step after this long. A rolling deployment of
workers takes less."""
FIRST_ATTEMPTS: Final = 5
"""Attempts of a first try: about eight seconds, with the pauses between them."""

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
    """The limits of an activity.

    Attributes:
        attempt: how long an attempt may take.
        backoff: how often and at what intervals it is retried.
        waiting: how long an attempt may wait for a worker; None: without a limit.
        first: a short first try, whose failure shows that the saga is slow; None: no first try.
    """

    attempt: timedelta
    backoff: RetryPolicy
    waiting: timedelta | None = None
    first: "Policy | None" = None


FIRST_TRY: Final = Policy(
    ATTEMPT,
    # The server's name for an attempt that timed out: one shows that the saga is slow.
    replace(
        _BACKOFF,
        maximum_attempts=FIRST_ATTEMPTS,
        non_retryable_error_types=["TemporalTimeout:StartToClose"],
    ),
    waiting=NO_WORKER_FOR,
)
"""Most steps succeed within it. If one does not, the saga shows that it is slow, and starts the
step again with the whole budget. A timer would cost every saga a write on the server."""

STEP: Final = Policy(ATTEMPT, replace(_BACKOFF, maximum_attempts=STEP_ATTEMPTS), first=FIRST_TRY)

COMPENSATION: Final = Policy(
    ATTEMPT, replace(_PATIENT_BACKOFF, maximum_attempts=COMPENSATION_ATTEMPTS)
)

RECORD: Final = Policy(ATTEMPT, _PATIENT_BACKOFF)
"""Recording what the saga did is retried without limit: the saga cannot continue without it."""

PARCEL: Final = Policy(
    ATTEMPT,
    RetryPolicy(
        initial_interval=timedelta(seconds=5),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(minutes=10),
        maximum_attempts=13,
    ),
)
"""A scan may arrive before its label is recorded; it is retried for about an hour."""
