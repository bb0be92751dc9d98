"""Hostile values through real starts, updates, signals, queries, scans: no workflow task fails."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from activities.messages import ORDERS_QUEUE, WORKFLOW_TYPE
from activities.returns.messages import DELIVERY_WORKFLOW_TYPE, RETURN_WORKFLOW_TYPE
from tests.support.sagas.hostile import changed
from tests.support.sagas.returns import return_document
from tests.support.sagas.sagas import (
    Handle,
    failed_tasks,
    new_order_id,
    result,
    start,
    until_status,
)
from tests.support.sagas.shop import Shop, document, running_workers

# Hypothesis shows a failing example whole; these can be long.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

BY = {"actor": "anna", "reason": "as agreed on the phone"}
# Without cancel, which ends the saga that the others are sent to.
UPDATES: dict[str, dict[str, Any]] = {
    "hold": BY,
    "retry": BY,
    "resolve": {"actor": "anna", "note": "settled"},
    "change_address": {**BY, "address": document("A1")["address"]},
    "amend": {**BY, "lines": [{"line_id": "1", "quantity": 1}]},
    "choose": {**BY, "choice": "wait"},
    "place": document("HERE"),
    "pay": {**BY, "token": "tok_visa"},
}
SCAN = {"status": "in_transit", "at": "2026-01-03T00:00:00Z"}
MOST_EXAMPLES = 63  # each sends eight values to each way in
REFUSED = {
    *("InvalidDocument", "NotPossibleNow", "ReturnRefused"),
    "OrderConflict",
}

MESSAGES = st.sampled_from(sorted(UPDATES)).flatmap(
    lambda name: st.tuples(st.just(name), changed(UPDATES[name]))
)
VALUES = st.fixed_dictionaries(
    {
        "updates": st.lists(MESSAGES, min_size=8, max_size=8),
        "signals": st.lists(MESSAGES, min_size=8, max_size=8),
        "scans": st.lists(changed(SCAN), min_size=8, max_size=8),
        "starts": st.lists(changed(document("HERE")), min_size=8, max_size=8),
        "returns": st.lists(changed(return_document("HERE")), min_size=8, max_size=8),
    }
)


def _raw(content: bytes) -> RawValue:
    return RawValue(Payload(metadata={"encoding": b"json/plain"}, data=content))


@given(values=VALUES)
@settings(
    max_examples=min(settings().max_examples // 10, MOST_EXAMPLES),
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
async def test_no_value_from_outside_fails_a_workflow_task(
    temporal: WorkflowEnvironment, values: dict[str, Any]
) -> None:
    client, shop = temporal.client, Shop()
    async with running_workers(client, shop):
        order_id = new_order_id()
        await shop.receive(f"{order_id}-sku", 10)
        held = await start(client, order_id, start_signal="hold", start_signal_args=[BY])
        await until_status(held, step="on_hold")
        delivery = await _tell(client, order_id, values["scans"])
        await asyncio.gather(
            *(_update(held, *_of(order_id, each)) for each in values["updates"]),
            *(_compare(held, *_of(order_id, ("", content))) for content in values["starts"]),
            *(held.signal(name, _raw(content)) for name, content in values["signals"]),
            *(held.signal("carrier_update", _raw(content)) for content in values["scans"]),
            *(held.signal("stock_arrived", _raw(content)) for content in values["scans"]),
            *(held.query("status", _raw(content)) for content in values["scans"]),
        )
        runs = [await _start(client, WORKFLOW_TYPE, "order", one) for one in values["starts"]]
        runs += [await _start(client, RETURN_WORKFLOW_TYPE, "return", x) for x in values["returns"]]
        assert await _update(held, "cancel", b'{"actor": "anna", "reason": "the end"}')
        assert (await result(held))["outcome"] == "cancelled"
        assert await failed_tasks(held, delivery, *runs) == []
        await delivery.terminate()


def _of(order_id: str, message: tuple[str, bytes]) -> tuple[str, bytes]:
    """A message that names this order, if it names any."""
    return message[0], message[1].replace(b"HERE", order_id.encode())


async def _compare(saga: Handle, _: str, content: bytes) -> None:
    """Ask whether a document is the saga's order; what is wrong with it is refused."""
    try:
        answer = await saga.query("same_order", _raw(content))
    except WorkflowQueryFailedError:
        return
    assert answer["same"] is None  # the order is not in the event store yet


async def _update(saga: Handle, name: str, content: bytes) -> bool:
    """Whether the saga took it; if not, it was refused by name."""
    try:
        await saga.execute_update(name, _raw(content))
    except WorkflowUpdateFailedError as refusal:
        return not _is_refusal(refusal.cause)
    return True


def _is_refusal(cause: BaseException) -> bool:
    assert isinstance(cause, ApplicationError)
    assert cause.type in REFUSED, cause
    return True


async def _tell(client: Client, order_id: str, scans: list[bytes]) -> Handle:
    """Report scans to the workflow that follows the parcel, as any client may."""
    for content in scans:
        handle = await client.start_workflow(
            DELIVERY_WORKFLOW_TYPE,
            id=f"delivery-{order_id}",
            task_queue=ORDERS_QUEUE,
            start_signal="carrier_update",
            start_signal_args=[_raw(content)],
        )
    return handle


async def _start(client: Client, kind: str, prefix: str, content: bytes) -> Handle:
    """Start a run with this input; it ends, or it is refused by name."""
    order_id = new_order_id()
    run = await client.start_workflow(
        kind,
        _raw(content.replace(b"HERE", order_id.encode())),
        id=f"{prefix}-{order_id}" + ("-R1" if prefix == "return" else ""),
        task_queue=ORDERS_QUEUE,
    )
    try:
        await result(run)
    except WorkflowFailureError as failed:
        _is_refusal(failed.cause)
    return run


async def test_an_update_that_is_too_long_to_answer_is_refused_and_holds_nothing_up(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    held = await start(client, order_id, start_signal="hold", start_signal_args=[BY])
    await until_status(held, step="on_hold")
    with pytest.raises(RPCError, match="in-flight updates"):
        await held.execute_update("retry", _raw(b" " * 2_100_000))
    assert not await _update(held, "retry", b" " * 1_900_000)
    assert await _update(held, "resume", b'{"actor": "anna", "reason": "go on"}')
    assert (await result(held))["outcome"] == "completed"
    assert await failed_tasks(held) == []
