"""An activity that is interrupted in the moment in which it is asked for ends no saga.

An operator's decision can arrive in the same workflow task in which an attempt ends and the next
one is asked for.
"""

import pytest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.support.sagas.early_interrupt import QUEUE, EarlyInterrupt, Echo
from tests.support.sagas.sagas import new_order_id
from workers.attempts import Attempts


@pytest.mark.parametrize(
    ("what", "becomes"),
    [
        ("interrupt", "interrupted"),
        ("retry", "done"),
        ("decide to retry", "done"),
        ("without us", "as if the workflow were cancelled"),
    ],
)
async def test_an_early_interrupt_is_told_as_one_of_the_activity(
    temporal: WorkflowEnvironment, what: str, becomes: str
) -> None:
    worker = Worker(
        temporal.client,
        task_queue=QUEUE,
        workflows=[EarlyInterrupt],
        activities=[Echo().echo],
        workflow_runner=UnsandboxedWorkflowRunner(),
        interceptors=[Attempts()],
    )
    async with worker:
        answer = await temporal.client.execute_workflow(
            EarlyInterrupt.run, what, id=f"early-{new_order_id()}", task_queue=QUEUE
        )
    assert answer == becomes
