"""Starting activities: one way for all workflows."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.messages import SagaRef
from workflows import policies
from workflows.common.failures import is_store_down

A = TypeVar("A")
P = TypeVar("P")
R = TypeVar("R")


def saga_ref() -> SagaRef:
    """The running workflow, for the metadata of events."""
    info = workflow.info()
    return SagaRef(info.workflow_id, info.run_id)


class ActivityRunner:
    """Starts the activities of one workflow under readable ids."""

    def __init__(self) -> None:
        self._uses: Counter[str] = Counter()

    def start(
        self,
        method: Callable[[A, P], Awaitable[R]],
        request: P,
        queue: str,
        policy: policies.Policy,
        summary: str,
    ) -> workflow.ActivityHandle[R]:
        """Start an activity."""
        return workflow.start_activity_method(
            method,
            args=[request],
            task_queue=queue,
            activity_id=self.next_id(method.__name__),
            summary=summary,
            schedule_to_start_timeout=policy.waiting,
            start_to_close_timeout=policy.attempt,
            retry_policy=policy.backoff,
            # A running charge must end before anything is undone. By default a cancel would not
            # wait for it, and the refund would start beside the charge.
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )

    async def run(
        self,
        method: Callable[[A, P], Awaitable[R]],
        request: P,
        queue: str,
        policy: policies.Policy,
        summary: str,
    ) -> R:
        """Run an activity; while the event store is unavailable, keep starting it again.

        Raises:
            ActivityError: it failed for another reason.
        """
        while True:
            try:
                return await self.start(method, request, queue, policy, summary)
            except ActivityError as error:
                if not is_store_down(error):
                    raise
            await workflow.sleep(policies.STORE_PAUSE, summary="then ask the event store again")

    def next_id(self, name: str) -> str:
        """The method's name with hyphens, and a number from its second use on."""
        self._uses[name] += 1
        number = self._uses[name]
        return name.replace("_", "-") if number == 1 else f"{name.replace('_', '-')}-{number}"
