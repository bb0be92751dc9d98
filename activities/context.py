"""On whose behalf an activity changes something: goes into the metadata of every event."""

from temporalio import activity

from activities.messages import SagaRef
from eventstore.handling import CommandContext
from eventstore.model import Metadata

ACTOR = "saga"
"""Actor of every event that a saga appends; the starter leaves such orders alone."""


def may_have_run(saga: SagaRef, first_run_id: str | None) -> bool:
    """Whether the present activity may have been begun before, wholly or in part.

    A saga numbers its activities from the second use of a name on (`process-payment-2`), and each
    of those counts its attempts from 1 again; so does a run that takes over from one that is lost.

    Args:
        saga: the run that asked for the activity.
        first_run_id: the run that took the order on, None if that is not known.
    """
    info = activity.info()
    asked_again = info.activity_id.rpartition("-")[2].isdigit()
    return info.attempt > 1 or asked_again or saga.run_id != first_run_id


def command_context(saga: SagaRef, purpose: str) -> CommandContext:
    """Who asks; the same for every attempt of the same activity.

    Args:
        saga: the run that asked for the activity.
        purpose: tells several appends of one activity apart.
    """
    causation_id = f"{saga.run_id}/{activity.info().activity_id}"
    return CommandContext(
        command_id=f"{saga.workflow_id}/{causation_id}/{purpose}",
        metadata=Metadata(
            correlation_id=saga.workflow_id,
            causation_id=causation_id,
            actor=ACTOR,
            extra={"run_id": saga.run_id},
        ),
    )
