"""Replays recorded histories: does today's code still issue the same commands?"""

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
    """Read a history as the Temporal CLI, the UI or `WorkflowHistory.to_json` write it.

    Raises:
        ValueError: the file is not a history.
    """
    return WorkflowHistory.from_json(workflow_id_in(path), path.read_text(encoding="utf-8"))


def workflow_id_in(path: Path) -> str:
    """The workflow id of a recorded history: the file's name up to the first ``.``.

    It must be the right one: the saga refuses a document whose order id does not match it.
    """
    return path.name.partition(".")[0]


async def replay(paths: Iterable[Path]) -> dict[Path, str]:
    """Replay each history; returns the failures by file, empty if there are none."""
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
