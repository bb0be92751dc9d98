"""A workflow whose activity is interrupted in the moment in which it is asked for."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.exceptions import ActivityError

from workflows.common.activity_runner import ActivityRunner
from workflows.common.failures import describe
from workflows.common.operator_requests import OperatorDecision
from workflows.common.patience import Patience
from workflows.common.search_attributes import Progress
from workflows.policies import USUAL

QUEUE = "early-interrupts"


class Echo:
    """An activity that answers at once."""

    @activity.defn
    async def echo(self, text: str) -> str:
        """Give back what it gets."""
        return text


@workflow.defn
class EarlyInterrupt:
    """Something else of the same workflow task ends the wait before the activity's task begins."""

    @workflow.run
    async def run(self, what: str) -> str:
        """What became of the activity."""
        progress = Progress("test")
        patience = Patience("echo", progress, lambda: None)
        if what == "without us":
            return await _plain()
        activities = ActivityRunner(progress, lambda: None)
        running = asyncio.create_task(
            activities.run(Echo.echo, "done", QUEUE, USUAL, "say it", patience)
        )
        acting = asyncio.create_task(_soon(_ACTS[what], patience))
        await acting
        try:
            return await running
        except ActivityError as error:
            return describe(error)


_ACTS: dict[str, Callable[[Patience], None]] = {
    "interrupt": Patience.interrupt,
    "retry": Patience.retry,
    "decide to retry": lambda patience: patience.decide(OperatorDecision(None)),
}


async def _soon(act: Callable[[Patience], None], patience: Patience) -> None:
    act(patience)


async def _plain() -> str:
    """What Temporal's SDK does in this moment."""
    handle = workflow.start_activity(
        "echo", "done", task_queue=QUEUE, start_to_close_timeout=timedelta(seconds=9)
    )
    handle.cancel()
    try:
        return str(await handle)
    except asyncio.CancelledError:
        return "as if the workflow were cancelled"
