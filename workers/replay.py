"""Replaying recorded histories: does today's saga still take the way it took then?"""

from collections.abc import Iterable
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from workers.converter import DATA_CONVERTER
from workers.sandbox import workflow_runner
from workflows.delivery.workflow import OrderDelivery
from workflows.fulfillment.workflow import OrderFulfillment
from workflows.returns.workflow import OrderReturn


def load_history(path: Path) -> WorkflowHistory:
    """A history from a JSON file as the Temporal CLI, the UI or `WorkflowHistory.to_json` write it.

    Raises:
        ValueError: the file holds no history.
    """
    return WorkflowHistory.from_json(workflow_id_in(path), path.read_text(encoding="utf-8"))


def workflow_id_in(path: Path) -> str:
    """The workflow id that a recorded history belongs to: the file's name up to the first ``.``.

    The saga refuses a document whose order id does not fit its workflow id, so the id counts.
    """
    return path.name.partition(".")[0]


async def replay(paths: Iterable[Path]) -> dict[Path, str]:
    """Replay each history; returns what went wrong, by file (empty: all is well)."""
    replayer = Replayer(
        workflows=[OrderFulfillment, OrderDelivery, OrderReturn],
        workflow_runner=workflow_runner(),
        data_converter=DATA_CONVERTER,
    )
    problems: dict[Path, str] = {}
    for path in paths:
        outcome = await replayer.replay_workflow(load_history(path), raise_on_replay_failure=False)
        if outcome.replay_failure:
            problems[path] = f"{type(outcome.replay_failure).__name__}: {outcome.replay_failure}"
    return problems
