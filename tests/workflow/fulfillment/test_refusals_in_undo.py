"""Nothing refuses inside an undo: whatever an activity says, a person is called and can end it."""

from collections.abc import Callable

import pytest
from temporalio.client import Client

from activities.ports import GatewayRejected
from adapters.providers.faults import Fault, FaultKind
from domain.errors import InvalidValue, RuleBroken
from domain.values import Compensation
from tests.support.faults.refusals import refusing_shop
from tests.support.sagas.sagas import result, stocked_saga, until_status
from tests.support.sagas.shop import Shop, running_workers

pytestmark = pytest.mark.usefixtures("few_attempts")

BY = {"actor": "anna", "reason": "once more"}
NOTE = {"actor": "anna", "note": "done by hand"}
ON_SHIPMENT = {"token": "tok_visa", "capture": "on_shipment"}
REFUSALS: dict[str, Callable[[], Exception]] = {
    "the provider": lambda: GatewayRejected("not any more"),
    "a rule": lambda: RuleBroken("odd", "the record does not allow it"),
    "a value": lambda: InvalidValue("reason", "must be text of at most 2000 characters"),
    "a bug": lambda: KeyError("nobody thought of it"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("compensation", list(Compensation))
async def test_a_person_can_end_every_compensation_whatever_refuses_it(
    client: Client, compensation: Compensation, refusal: str
) -> None:
    shop = refusing_shop(compensation.value, REFUSALS[refusal])
    shop.payments.faults.add(Fault(FaultKind.DECLINED, operation="capture"))
    async with running_workers(client, shop):
        order_id, handle = await stocked_saga(client, shop, payment=ON_SHIPMENT)
        status = await until_status(handle, needs_attention=True, step=compensation.value)
        assert compensation.value in status["attention"].partition("still to undo: ")[2]
        assert compensation.value in status["compensations"]
        await handle.execute_update("retry", BY)
        await until_status(handle, needs_attention=True, step=compensation.value)
        await handle.execute_update("resolve", NOTE)
        assert (await result(handle))["outcome"] == "cancelled"
    assert await shop.status(order_id) == "cancelled"
    assert (await shop.story(order_id))[-1] == "FulfillmentClosed"


@pytest.mark.parametrize("refusal", ["a rule", "a value", "a bug"])
@pytest.mark.parametrize(
    "record", ["turn_back", "close_cancelled", "record_attention", "record_operator"]
)
async def test_a_record_that_is_refused_is_made_later_and_the_run_never_fails(
    client: Client, record: str, refusal: str
) -> None:
    shop = refusing_shop(record, REFUSALS[refusal], times=7)
    shop.payments.faults.add(Fault(FaultKind.DECLINED, operation="capture"))
    shop.carrier.faults.add(Fault(FaultKind.INVALID, operation="cancel_label"))
    async with running_workers(client, shop):
        order_id, handle = await stocked_saga(client, shop, payment=ON_SHIPMENT)
        await until_status(handle, needs_attention=True, step="cancel_shipment")
        shop.carrier.faults.clear()
        await handle.execute_update("retry", BY)
        assert (await result(handle))["outcome"] == "cancelled"
    assert await shop.status(order_id) == "cancelled"


async def test_an_over_long_reason_of_a_cancel_through_temporal_is_cut(
    client: Client, shop: Shop
) -> None:
    shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="confirm"))
    order_id, handle = await stocked_saga(client, shop)
    await until_status(handle, step="process_payment")
    await handle.cancel(reason="x" * 3_000 + "\x00")
    await until_status(handle, outcome="cancelled")
    assert await shop.status(order_id) == "cancelled"
