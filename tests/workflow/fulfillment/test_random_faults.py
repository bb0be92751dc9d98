"""Whatever goes wrong, and in whatever combination: a saga ends properly, and the ledgers agree."""

import asyncio
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.payment_port import PaymentStatus, ProviderPayment
from activities.ports import LabelStatus
from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.sagas import Handle, new_order_id, result, start
from tests.support.sagas.shop import Shop, document, running_workers
from tests.support.sagas.shortages import content as content_of

BY = {"actor": "anna", "reason": "the providers work again"}

KINDS = (
    FaultKind.UNAVAILABLE,
    FaultKind.REQUEST_LOST,
    FaultKind.ANSWER_LOST,
    FaultKind.SERVER_ERROR,
    FaultKind.REJECTED,
    FaultKind.INVALID,
)
OPERATIONS = ("create", "confirm", "capture", "void", "refund", "buy_label", "cancel_label")


@dataclass(frozen=True)
class Script:
    """One order and what goes wrong with it."""

    token: str
    capture: str
    stock: int
    postal_code: str
    faults: tuple[tuple[FaultKind, str], ...]
    cancel: bool
    policy: str
    default: str
    amend: bool


SCRIPTS = st.builds(
    Script,
    token=st.sampled_from(["tok_visa", "tok_visa", "tok_declined"]),
    capture=st.sampled_from(["automatic", "on_shipment"]),
    stock=st.sampled_from([10, 10, 10, 1]),
    postal_code=st.sampled_from(["LS1 1AA", "LS1 1AA", "NOSHIP"]),
    faults=st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(OPERATIONS)), max_size=2).map(
        tuple
    ),
    cancel=st.booleans(),
    policy=st.sampled_from(["cancel", "ship_available", "wait", "ask"]),
    default=st.sampled_from(["cancel", "ship_available"]),
    amend=st.booleans(),
)


@given(scripts=st.lists(SCRIPTS, min_size=8, max_size=8))
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
async def test_any_faults_end_in_completed_or_cancelled_and_the_ledgers_agree(
    temporal: WorkflowEnvironment, scripts: list[Script]
) -> None:
    shop = Shop()
    async with running_workers(temporal.client, shop):
        await asyncio.gather(*(_play(temporal.client, shop, script) for script in scripts))


async def _play(client: Client, shop: Shop, script: Script) -> None:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", script.stock)
    for kind, operation in script.faults:
        fault = Fault(kind, operation=operation, order=order_id, times=1)
        shop.payments.faults.add(fault)
        shop.carrier.faults.add(fault)
    content = document(order_id, payment={"token": script.token, "capture": script.capture})
    content["address"]["postal_code"] = script.postal_code
    content["unavailable"] = {"policy": script.policy, "default": script.default}
    handle = await start(client, order_id, content)
    if script.amend:
        await handle.signal("amend", {**BY, "lines": [{"line_id": "1", "quantity": 1}]})
    if script.cancel:
        await handle.signal("cancel", BY)
    outcome = await _end(handle)
    await _check(shop, order_id, script, outcome)


async def _end(handle: Handle) -> dict[str, Any]:
    """The result; an operator retries whatever needs attention meanwhile."""
    ending = asyncio.create_task(result(handle))
    while not ending.done():
        if (await handle.query("status"))["needs_attention"]:
            await handle.signal("retry", BY)
        await asyncio.wait({ending}, timeout=0.1)
    return dict(ending.result())


async def _check(shop: Shop, order_id: str, script: Script, outcome: dict[str, Any]) -> None:
    payments = [p async for p in shop.payments.payments() if p.order_id == order_id]
    labels = [label async for label in shop.carrier.labels() if label.order_id == order_id]
    live = [label for label in labels if label.status is LabelStatus.LIVE]
    stock = await shop.stock(f"{order_id}-sku")
    assert (stock.reserved, len(stock.waiting)) == (0, 0)
    assert outcome["outcome"] == await shop.status(order_id)
    assert (await shop.story(order_id)).count("FulfillmentClosed") == 1
    if outcome["outcome"] == "completed":
        order = await content_of(shop, order_id)
        pieces = sum(line.quantity for line in order.lines)
        total = order.total.minor
        assert (pieces, total) in {(1, 150), (2, 300)}
        assert [(_kept(p), p.status) for p in payments] == [(total, PaymentStatus.CAPTURED)]
        assert [label.tracking_number for label in live] == [outcome["tracking_number"]]
        assert [label.pieces for label in live] == [pieces]
        assert stock.on_hand == script.stock - pieces
    else:
        assert sum(_kept(payment) for payment in payments) == 0
        assert live == []
        assert stock.on_hand == script.stock


def _kept(payment: ProviderPayment) -> int:
    """Minor units of the customer's money that the provider took or holds."""
    if payment.status in (PaymentStatus.VOIDED, PaymentStatus.DECLINED):
        return 0
    return payment.amount.minor - payment.refunded.minor
