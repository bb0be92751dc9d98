"""What every attempt at an activity has in common.

One deadline, failures that have a name, and an answer that names its request.
"""

from collections.abc import Sequence
from typing import Any, Final

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.failures import application_errors
from activities.messages import SagaRef
from eventstore.commands.knowledge import knowing
from eventstore.deadline import within
from workflows.common.answers import signed

_ANSWERED: Final = 0.9
"""The share of an attempt's limit after which it must have ended, to say itself what it met."""
_RESERVED: Final = 0.3
"""The share that only an append may use: what a provider has done must be recorded."""


class Attempts(Interceptor):
    """Gives each attempt a deadline before the server's, and turns what it raises into failures.

    So no activity can forget either. An attempt of 10 seconds must answer after 9, and may begin a
    call to a provider in the first 6.
    """

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  Temporal's own name for it
        """Put the attempt into a frame."""
        return _Attempt(next)


class _Attempt(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  as above
        info = activity.info()
        limit = info.start_to_close_timeout
        if limit is None:
            raise RuntimeError("every activity has a limit for its attempts")
        limit_s = limit.total_seconds()
        with (
            application_errors(),
            within(
                limit_s * _ANSWERED, reserve_s=limit_s * _RESERVED, owner=info.workflow_id or ""
            ),
            knowing(_known_to(input.args)) as knowledge,
        ):
            answer = await super().execute_activity(input)
        [payload] = activity.payload_converter().to_payloads([answer])
        return signed(payload, info.workflow_id or "", info.activity_id, knowledge.position)


def _known_to(arguments: Sequence[Any]) -> int:
    """The position that the run knows which asks."""
    saga = getattr(arguments[0], "saga", None) if arguments else None
    return saga.seen_up_to if isinstance(saga, SagaRef) else 0
