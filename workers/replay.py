"""Replays recorded histories: does today's code still issue the same commands?"""

from collections.abc import Iterable
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from workers.converter import DATA_CONVERTER
from workers.factory import WORKFLOWS
from workers.sandbox import workflow_runner


async def replay(paths: Iterable[Path]) -> dict[Path, str]:
    """Replay each history; returns the failures by file, empty if there are none.

    Args:
        paths: histories as the Temporal CLI, the UI or `WorkflowHistory.to_json` write them. The
            name of each begins with the workflow id and a ``.``: the saga refuses a document whose
            order id does not match it.

    Raises:
        ValueError: a file is not a history.
    """
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=workflow_runner(),
        data_converter=DATA_CONVERTER,
    )
    problems: dict[Path, str] = {}
    for path in paths:
        workflow_id, _, _ = path.name.partition(".")
        history = WorkflowHistory.from_json(workflow_id, path.read_text(encoding="utf-8"))
        outcome = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        if outcome.replay_failure:
            problems[path] = f"{type(outcome.replay_failure).__name__}: {outcome.replay_failure}"
    return problems
