"""Timeouts and retry policies of the workflows, named once.

Import the module, not its names, so that a test can replace a policy in one place.

An activity is first tried briefly. If that fails, and the failure is no answer about the order, it
is started once more: as one pending activity without a limit of attempts, for as long as the
trouble is of one kind. It ends when the kind changes, so the workflow always knows what it waits
for, and its history grows with the changes and not with the time.

An attempt ends after ATTEMPT; that is also how long the saga takes to notice that a worker died
during one. The worker gives everything that an attempt does an earlier deadline, so that the
attempt itself can say what it waited for.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.common import RetryPolicy

from activities.failures import NOT_SOON, TROUBLES, Trouble

ATTEMPT: Final = timedelta(seconds=10)

ATTENTION_AFTER: Final = timedelta(minutes=10)
"""How long a provider may fail until the saga says that it waits for it, and how long anything else
may fail until a person must act."""


_OTHERWISE: Final = {
    Trouble.FOREIGN: timedelta(),
    Trouble.CUSTOMER: timedelta(),
    Trouble.BANK: timedelta(days=1),
}


def attention_after(trouble: Trouble) -> timedelta:
    """How long a trouble may last until a person must act; no time if only a person can end it."""
    return _OTHERWISE.get(trouble, ATTENTION_AFTER)


CALL_BEFORE_LAPSE: Final = timedelta(days=1)
"""How long before an authorisation lapses a person is called."""

RESERVATION_HELD_FOR: Final = timedelta(hours=24)
"""How long an order on hold keeps its stock, unless its payment was requested."""

LOOK_AGAIN_AFTER: Final = timedelta(minutes=1)
"""How long the saga waits before it looks again for a label that may still arrive."""

LOOK_FOR_END_AFTER: Final = timedelta(hours=1)
"""How often a parcel that waits for its order to end looks for that, if the saga says nothing."""

SILENCE: Final = timedelta(days=14)
"""A parcel without any news for this long needs an operator."""

LOOKS: Final = 8
"""How often a waiting order checks the stock before its deadline even without a signal."""

NO_WORKER_FOR: Final = timedelta(minutes=1)
"""An attempt waits for a worker if none has begun it after this long. A rolling deployment of
workers takes less."""
FIRST_ATTEMPTS: Final = 5
"""Attempts of a first try: about eight seconds, with the pauses between them."""
LONGEST_PAUSE: Final = timedelta(minutes=1)
"""The longest pause between two attempts; the activity may ask for another one."""

JOB_KEPT_READY: Final = timedelta(hours=24)
"""How long a job waits to be carried out after its dry run; much may have changed by then."""

ANSWER_WITHIN: Final = timedelta(seconds=30)
"""A message is answered after this long, even if what it asks for is not decided yet."""

MOST_EVENTS: Final = 2_000
"""A run whose history has this many events goes on as a new one; the server ends it at 51,200, and
takes 10,000 signals and 2,000 updates. No build may lower it while runs are open: one that is
longer than the new limit would be replayed as if it had ended before, without its latest messages.
"""
FEWEST_EVENTS: Final = 100
MOST_BYTES: Final = 10_000_000
"""What the server suggests because of a long history is done after so many events or bytes: a run
that begins with much must get on as well. The server ends it at 50 MB."""
LONGEST_HANDED_OVER: Final = 1_000_000
"""A longer order document is not handed to a new run: its first step puts it into the event
store."""
MOST_WAITING: Final = 50
"""So many requests may wait to be carried out or recorded; further ones are refused."""
MOST_SCANS: Final = 100
"""So many different scans of a parcel may wait to be recorded."""

DEAD_WORKER: Final = "TemporalTimeout:StartToClose"
"""The server's name for an attempt that never answered."""
NOT_YET: Final = "no_parcel"
"""A failure that only time can cure, and that is nobody's trouble; see `PARCEL`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits of an activity.

    Attributes:
        attempt: how long an attempt may take.
        first: how the first try is retried.
    """

    attempt: timedelta
    first: RetryPolicy


USUAL: Final = Policy(
    ATTEMPT,
    RetryPolicy(
        initial_interval=timedelta(milliseconds=500),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(seconds=15),
        maximum_attempts=FIRST_ATTEMPTS,
        non_retryable_error_types=[DEAD_WORKER, *NOT_SOON],
    ),
)
"""Most activities succeed within the first try. Steps, compensations and records."""

JOB_PART: Final = Policy(timedelta(seconds=30), USUAL.first)
"""A job asks some sagas side by side, and waits for the slowest of them."""

PARCEL: Final = Policy(
    ATTEMPT,
    RetryPolicy(
        initial_interval=timedelta(seconds=5),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(minutes=10),
        maximum_attempts=13,
        non_retryable_error_types=[DEAD_WORKER, *TROUBLES],
    ),
)
"""A scan may arrive before its label is recorded; it is retried for about an hour."""


def pause_after(changes: int) -> timedelta:
    """The pause after a trouble has changed so often."""
    return min(timedelta(seconds=2 ** min(changes, 10)), LONGEST_PAUSE)


def patience(trouble: Trouble, changes: int) -> RetryPolicy:
    """Retries without a limit for as long as failures are of one kind.

    Args:
        trouble: whose trouble it is.
        changes: how often that has changed already; the first pause doubles each time, so that
            troubles that take turns do not fill the history.
    """
    others = [name for name, whose in TROUBLES.items() if whose is not trouble]
    if trouble is not Trouble.UNEXPECTED:
        others.append(DEAD_WORKER)
    return RetryPolicy(
        initial_interval=pause_after(changes),
        backoff_coefficient=2.0,
        maximum_interval=LONGEST_PAUSE,
        non_retryable_error_types=[*others, NOT_YET],
    )
