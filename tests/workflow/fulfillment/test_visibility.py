"""What operators see of sagas in Temporal's lists and pages."""

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from activities.messages import WORKFLOW_TYPE
from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.sagas import (
    Handle,
    new_order_id,
    result,
    start,
    stocked_saga,
    until_listed,
    until_status,
)
from tests.support.sagas.shop import Shop
from workers.search_attributes import ensure_search_attributes, missing_search_attributes

BY = {"actor": "anna", "reason": "fraud check"}


async def test_a_completed_order_is_found_by_status_customer_and_total(
    client: Client, shop: Shop
) -> None:
    _, handle = await stocked_saga(client, shop, customer_id="seeker-1")
    await result(handle)
    query = 'OrderStatus="completed" AND CustomerId="seeker-1" AND OrderTotalMinor=300'
    await until_listed(client, query, handle.id)
    await until_listed(client, f'WorkflowId="{handle.id}" AND NeedsAttention=false', handle.id)


async def test_a_saga_that_needs_attention_is_found_by_it(client: Client, shop: Shop) -> None:
    shop.carrier.faults.add(Fault(FaultKind.INVALID, operation="buy_label"))
    shop.payments.faults.add(Fault(FaultKind.INVALID, operation="refund"))
    _, handle = await stocked_saga(client, shop)
    await until_listed(client, 'NeedsAttention=true AND OrderStatus="refund_pending"', handle.id)
    await until_listed(client, f'SagaStep="undo_payment" AND WorkflowId="{handle.id}"', handle.id)
    assert "Needs attention" in await _details(handle)
    shop.payments.faults.clear()
    await handle.execute_update("retry", BY)
    await result(handle)
    await until_listed(client, f'NeedsAttention=false AND WorkflowId="{handle.id}"', handle.id)


async def test_a_saga_that_takes_long_shows_its_step(client: Client, shop: Shop) -> None:
    shop.carrier.faults.add(Fault(FaultKind.UNAVAILABLE, operation="buy_label"))
    _, handle = await stocked_saga(client, shop)
    await until_listed(
        client, f'SagaStep="create_shipment" AND WorkflowId="{handle.id}"', handle.id
    )
    await until_listed(client, f'OrderStatus="processing" AND WorkflowId="{handle.id}"', handle.id)
    shop.carrier.faults.clear()
    await result(handle)


async def test_a_slow_saga_whose_client_gave_no_search_attributes_shows_its_step(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    shop.carrier.faults.add(Fault(FaultKind.UNAVAILABLE, operation="buy_label"))
    handle = await start(client, order_id, search_attributes=None)
    listed = f'SagaStep="create_shipment" AND WorkflowId="{handle.id}"'
    await until_listed(client, listed, handle.id)
    shop.carrier.faults.clear()
    await result(handle)


async def test_a_saga_on_hold_is_found_and_says_who_holds_it(client: Client, shop: Shop) -> None:
    held = shop.payments.faults.add(Fault(FaultKind.HOLD_BEFORE, operation="confirm"))
    _, handle = await stocked_saga(client, shop)
    await until_status(handle, step="process_payment")
    await handle.execute_update("hold", BY)
    shop.payments.faults.remove(held.number)
    await until_listed(client, f'SagaStep="on_hold" AND WorkflowId="{handle.id}"', handle.id)
    assert "anna to resume it: fraud check" in await _details(handle)
    await handle.execute_update("resume", BY)
    await result(handle)


async def test_search_attributes_of_a_guest_order_name_no_customer(
    client: Client, shop: Shop
) -> None:
    _, handle = await stocked_saga(client, shop, customer_id=None)
    await result(handle)
    await until_listed(client, f'CustomerId="guest" AND WorkflowId="{handle.id}"', handle.id)


async def test_no_personal_data_is_in_search_attributes_and_details(
    client: Client, shop: Shop
) -> None:
    _, handle = await stocked_saga(client, shop)
    await result(handle)
    shown = str((await handle.describe()).typed_search_attributes) + await _details(handle)
    for secret in ("Secretperson", "Hidden", "Leeds", "LS1", "tok_visa"):
        assert secret not in shown


async def test_registering_search_attributes_twice_is_harmless(client: Client) -> None:
    assert await ensure_search_attributes(client) == ()
    assert await missing_search_attributes(client) == []


async def test_the_control_knows_the_namespace(client: Client) -> None:
    described = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
    assert described.namespace_info.name == client.namespace


UPDATES = {"cancel", "hold", "resume", "retry", "resolve", "change_address"}


async def test_the_dialogs_of_the_temporal_ui_are_told_every_message_and_what_it_does(
    client: Client, shop: Shop
) -> None:
    _, handle = await stocked_saga(client, shop)
    await result(handle)
    definition = (await _metadata(handle)).definition
    assert definition.type == WORKFLOW_TYPE
    updates = {each.name: each.description for each in definition.update_definitions}
    signals = {each.name: each.description for each in definition.signal_definitions}
    assert updates.keys() >= UPDATES
    assert signals.keys() >= UPDATES | {"carrier_update"}
    assert all("{" in says for says in updates.values())  # each shows its JSON
    assert all(signals.values())
    assert "status" in {each.name for each in definition.query_definitions}


async def _metadata(handle: Handle) -> WorkflowMetadata:
    metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    assert isinstance(metadata, WorkflowMetadata)
    return metadata


async def _details(handle: Handle) -> str:
    return (await _metadata(handle)).current_details
