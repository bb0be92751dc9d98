"""What became of the workflows that a recovery started: a run may fail again at once."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from temporalio.client import Client, WorkflowFailureError

from ordersaga.operations.recovery.outcome import Recovered, RecoveryOutcome
from ordersaga.operations.sagas import AT_ONCE, ask_status
from ordersaga.operations.temporal_runs import Run, find_run
from workflows.common.search_attributes import ORDER_STATUS
from workflows.fulfillment.state import AWAITING_CHOICE, AWAITING_STOCK, ON_HOLD

FIRST_LOOK_S: Final = 3.0
"""How long a run is looked at in any case: one that fails for its document fails at once."""

_EVERY_S: Final = 0.25
_BAD_ENDS: Final = frozenset({"failed", "terminated", "timed_out"})
_WAITS: Final = frozenset({ON_HOLD, AWAITING_CHOICE, AWAITING_STOCK})


async def look_after(
    client: Client, recovered: Sequence[Recovered], limit_s: float = FIRST_LOOK_S
) -> list[Recovered]:
    """Say what became of everything that was started.

    Args:
        client: Temporal.
        recovered: everything that a recovery did.
        limit_s: how long to wait for runs that go on. One that waits for a person, for stock or for
            a choice is not waited for.

    Raises:
        RPCError: Temporal does not answer.
    """
    end = asyncio.get_running_loop().time() + limit_s
    slots = asyncio.Semaphore(AT_ONCE)

    async def look(each: Recovered) -> Recovered:
        if each.outcome is not RecoveryOutcome.STARTED or each.workflow_id is None:
            return each
        async with slots:
            return await _look(client, each, each.workflow_id, end)

    return list(await asyncio.gather(*map(look, recovered)))


async def _look(client: Client, started: Recovered, workflow_id: str, end: float) -> Recovered:
    clock = asyncio.get_running_loop().time
    while True:
        run = await find_run(client, workflow_id)
        if run is None:
            return replace(started, became="Temporal does not know it any more")
        if not run.is_open:
            return await _ended(client, started, run)
        answer, note = await ask_status(client, run)
        if _is_settled(answer) or clock() >= end:
            return replace(started, became=note or _where(answer))
        await asyncio.sleep(_EVERY_S)


def _is_settled(answer: Mapping[str, Any]) -> bool:
    """Whether nothing goes on by itself soon."""
    return bool(answer.get("needs_attention")) or answer.get("step") in _WAITS


def _where(answer: Mapping[str, Any]) -> str:
    if attention := answer.get("attention"):
        return f"needs attention: {attention}"
    return f"running: waits for {answer.get('waits_for')}"


async def _ended(client: Client, started: Recovered, run: Run) -> Recovered:
    if run.status not in _BAD_ENDS:
        return replace(started, became=run.attributes.get(ORDER_STATUS) or run.status)
    why = await _failure(client, run) if run.status == "failed" else run.status.replace("_", " ")
    return replace(started, outcome=RecoveryOutcome.FAILED_AGAIN, became=why)


async def _failure(client: Client, run: Run) -> str:
    try:
        await client.get_workflow_handle(run.workflow_id, run_id=run.run_id).result()
    except WorkflowFailureError as error:
        return f"failed: {getattr(error.cause, 'message', None) or error.cause}"
    return "failed"
