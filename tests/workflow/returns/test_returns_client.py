"""The typed client after the pivot: scans, returns and what it raises."""

from datetime import UTC, datetime

import pytest
from temporalio.client import Client

from ordersaga.client.errors import DocumentRefused
from ordersaga.client.orders import OrderSagaClient
from ordersaga.client.returns import ReturnConflict, ReturnFailed, ReturnRefused, ReturnUnknown
from tests.support.sagas.returns import (
    BY,
    completed,
    refunded_minor,
    return_document,
    return_handle,
    until_parcel,
)
from tests.support.sagas.sagas import until_status
from tests.support.sagas.shop import Shop

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def sagas(client: Client) -> OrderSagaClient:
    return OrderSagaClient(client)


async def test_scans_are_reported_whatever_runs(
    client: Client, shop: Shop, sagas: OrderSagaClient
) -> None:
    order_id = await completed(client, shop)
    for status in ("in_transit", "delivered", "delivered"):
        await sagas.returns.report_scan(order_id, status, NOON)
        await sagas.returns.report_scan(order_id, status, NOON)
    await until_parcel(shop, order_id, "delivered")
    assert (await sagas.returns.delivery_status(order_id))["order_id"] == order_id


async def test_a_scan_that_cannot_be_is_refused_at_once(shop: Shop, sagas: OrderSagaClient) -> None:
    with pytest.raises(DocumentRefused, match="status"):
        await sagas.returns.report_scan("A1", "teleported", NOON)
    with pytest.raises(DocumentRefused, match="at"):
        await sagas.returns.report_scan("A1", "lost", NOON.replace(tzinfo=None))
    with pytest.raises(ReturnUnknown):
        await sagas.returns.delivery_status("nobody-reported-it")


async def test_a_return_is_opened_decided_and_waited_for(
    client: Client, shop: Shop, sagas: OrderSagaClient
) -> None:
    order_id = await completed(client, shop)
    document = return_document(order_id)
    for _ in range(2):
        assert await sagas.returns.open_return(document) == "R1"
    opened = await sagas.returns.until_opened(order_id, "R1")
    assert opened["undecided"] == ["refund", "restock"]
    with pytest.raises(ReturnConflict):
        await sagas.returns.open_return({**document, "lines": "all"})
    with pytest.raises(ReturnRefused, match="only 300 minor units"):
        await sagas.returns.decide_refund(order_id, "R1", {"amount_minor": 301}, **BY)
    assert await sagas.returns.decide_refund(order_id, "R1", "full", **BY) == 150
    await sagas.returns.decide_restock(order_id, "R1", "none", **BY)
    outcome = await sagas.returns.return_result(order_id, "R1")
    assert (outcome.refund_minor, outcome.currency, outcome.restocked) == (150, "GBP", False)
    assert await refunded_minor(shop, order_id) == 150
    with pytest.raises(ReturnUnknown, match="ended"):
        await sagas.returns.decide_refund(order_id, "R1", "none", **BY)
    assert (await sagas.returns.until_opened(order_id, "R1"))["outcome"] == "closed"
    await sagas.returns.open_return({**document, "lines": "all"})
    with pytest.raises(ReturnConflict):
        await sagas.returns.return_result(order_id, "R1")


async def test_a_return_that_cannot_be_is_refused(
    client: Client, shop: Shop, sagas: OrderSagaClient
) -> None:
    order_id = await completed(client, shop)
    with pytest.raises(DocumentRefused, match="reason: is missing"):
        await sagas.returns.open_return({"order_id": order_id, "return_id": "R1", "lines": "all"})
    three = [{"line_id": "1", "quantity": 3}]
    await sagas.returns.open_return(return_document(order_id, lines=three))
    with pytest.raises(ReturnRefused, match="2 are left to return"):
        await sagas.returns.until_opened(order_id, "R1")
    with pytest.raises(ReturnUnknown):
        await sagas.returns.return_status(order_id, "R9")
    with pytest.raises(ReturnUnknown):
        await sagas.returns.return_result(order_id, "R9")


async def test_a_terminated_return_has_failed(
    client: Client, shop: Shop, sagas: OrderSagaClient
) -> None:
    order_id = await completed(client, shop)
    await sagas.returns.open_return(return_document(order_id))
    handle = return_handle(client, order_id, "R1")
    await until_status(handle, opened=True)
    await handle.terminate("by mistake")
    with pytest.raises(ReturnFailed):
        await sagas.returns.return_result(order_id, "R1")
