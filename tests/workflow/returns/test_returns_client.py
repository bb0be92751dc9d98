"""The client of services after the pivot: scans, returns and what it raises."""

from datetime import UTC, datetime

import pytest
from ordersaga_client import (
    InvalidDocument,
    NotFound,
    NotPossibleNow,
    OrderSagaClient,
    ReturnConflict,
    ReturnRefused,
    RunFailed,
    UpdateAnswer,
)
from ordersaga_client.parcels import STATUSES
from temporalio.client import Client

from tests.support.sagas.returns import (
    BY,
    completed,
    refunded_minor,
    return_document,
    return_handle,
    until_parcel,
)
from tests.support.sagas.shop import Shop

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
DONE = UpdateAnswer(accepted=True)


@pytest.fixture
def sagas(client: Client) -> OrderSagaClient:
    """As services have it: with Temporal's own data converter."""
    return OrderSagaClient(Client(client.service_client, namespace=client.namespace))


async def test_scans_are_reported_whatever_runs(
    client: Client, shop: Shop, sagas: OrderSagaClient
) -> None:
    order_id = await completed(client, shop)
    for status in ("in_transit", "delivered", "delivered"):
        await sagas.parcels.report(order_id, status, NOON)
        await sagas.parcels.report(order_id, status, NOON)
    await until_parcel(shop, order_id, "delivered")
    assert (await sagas.parcels.status(order_id)).order_id == order_id
    with pytest.raises(NotPossibleNow):
        await sagas.parcels.retry(order_id, **BY)


async def test_a_scan_that_cannot_be_is_refused_at_once(sagas: OrderSagaClient) -> None:
    assert STATUSES == ("handed_over", "in_transit", "delivered", "returned", "lost")
    with pytest.raises(InvalidDocument, match="status"):
        await sagas.parcels.report("A1", "teleported", NOON)
    with pytest.raises(InvalidDocument, match="at"):
        await sagas.parcels.report("A1", "lost", NOON.replace(tzinfo=None))
    with pytest.raises(NotFound):
        await sagas.parcels.status("nobody-reported-it")


async def test_a_return_is_opened_decided_and_waited_for(
    client: Client, shop: Shop, sagas: OrderSagaClient
) -> None:
    order_id = await completed(client, shop)
    document = return_document(order_id)
    for _ in range(2):
        assert await sagas.returns.open(document) == DONE
    del document["kind"]  # the same, in other words
    assert await sagas.returns.open({**document, "reason": "said otherwise"}) == DONE
    assert (await sagas.returns.status(order_id, "R1")).undecided == ["refund", "restock"]
    with pytest.raises(ReturnConflict):
        await sagas.returns.open({**document, "lines": "all"})
    with pytest.raises(ReturnRefused, match="only 300 minor units"):
        await sagas.returns.refund(order_id, "R1", {"amount_minor": 301}, **BY)
    with pytest.raises(InvalidDocument, match="refund"):
        await sagas.returns.refund(order_id, "R1", "plenty", **BY)  # type: ignore[arg-type]  wrong
    assert (await sagas.returns.refund(order_id, "R1", "full", **BY)).amount_minor == 150
    await sagas.returns.restock(order_id, "R1", "none", **BY)
    ended = await sagas.returns.result(order_id, "R1")
    assert (ended.refund_minor, ended.currency, ended.restocked) == (150, "GBP", False)
    assert await refunded_minor(shop, order_id) == 150
    with pytest.raises(NotPossibleNow, match="ended"):
        await sagas.returns.refund(order_id, "R1", "none", **BY)


async def test_after_its_end_the_same_return_is_known_and_another_is_a_conflict(
    client: Client, shop: Shop, sagas: OrderSagaClient
) -> None:
    order_id = await completed(client, shop)
    document = return_document(order_id, refund="full", restock="none")
    await sagas.returns.open(document)
    ended = await sagas.returns.result(order_id, "R1")
    assert await sagas.returns.open(document) == DONE
    assert await sagas.returns.result(order_id, "R1") == ended
    with pytest.raises(ReturnConflict):
        await sagas.returns.open({**document, "lines": "all"})
    assert await refunded_minor(shop, order_id) == 150


async def test_a_return_that_cannot_be_is_refused(
    client: Client, shop: Shop, sagas: OrderSagaClient
) -> None:
    order_id = await completed(client, shop)
    with pytest.raises(InvalidDocument, match="reason: is missing") as refused:
        await sagas.returns.open({"order_id": order_id, "return_id": "R1", "lines": "all"})
    assert {each["field"] for each in refused.value.details} == {"actor", "reason"}
    with pytest.raises(InvalidDocument, match="return_id"):
        await sagas.returns.open({"order_id": order_id, "lines": "all"})
    three = [{"line_id": "1", "quantity": 3}]
    with pytest.raises(ReturnRefused, match="2 are left to return"):
        await sagas.returns.open(return_document(order_id, lines=three))
    for ask in (sagas.returns.status, sagas.returns.result):
        with pytest.raises(NotFound):
            await ask(order_id, "R9")


async def test_a_terminated_return_has_failed(
    client: Client, shop: Shop, sagas: OrderSagaClient
) -> None:
    order_id = await completed(client, shop)
    await sagas.returns.open(return_document(order_id))
    await return_handle(client, order_id, "R1").terminate("by mistake")
    with pytest.raises(RunFailed):
        await sagas.returns.result(order_id, "R1")
