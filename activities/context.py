"""On whose behalf an activity changes something: goes into the metadata of every event."""

from temporalio import activity

from activities.messages import SagaRef
from eventstore.handling import CommandContext
from eventstore.model import Metadata

ACTOR = "saga"
"""Actor of every event that a saga appends; the starter leaves such orders alone."""


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
