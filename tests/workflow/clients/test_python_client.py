"""The Python client of services, before a real Temporal server and real workers."""

from datetime import UTC, datetime

import pytest
from ordersaga_client import (
    InvalidDocument,
    NotPossibleNow,
    OrderConflict,
    OrderSagaClient,
    Placed,
    SagaUnknown,
    batch,
)
from temporalio.client import Client

from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.sagas import new_order_id, until
from tests.support.sagas.shop import TOKEN_DECLINED, Shop, document

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
BY = {"actor": "anna", "reason": "the customer called"}


@pytest.fixture
def sagas(client: Client) -> OrderSagaClient:
    """As services have it: with Temporal's own data converter."""
    return OrderSagaClient(Client(client.service_client, namespace=client.namespace))


async def stocked(shop: Shop, stock: int = 10) -> str:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", stock)
    return order_id


async def waiting(shop: Shop, sagas: OrderSagaClient) -> str:
    """An order that waits for stock."""
    order_id = await stocked(shop, 1)
    await sagas.place(document(order_id, unavailable={"policy": "wait"}))
    return order_id


async def test_an_order_is_placed_once_and_ends(shop: Shop, sagas: OrderSagaClient) -> None:
    order_id = await stocked(shop)
    assert await sagas.place(document(order_id)) == Placed(order_id=order_id, created=True)
    result = await sagas.result(order_id)
    assert (result.outcome, result.reason) == ("completed", None)
    assert result.tracking_number
    again = await sagas.place({**document(order_id), "metadata": {}})
    assert again == Placed(order_id=order_id, created=False)
    assert (await sagas.status(order_id)).outcome == "completed"


async def test_another_order_under_the_id_is_a_conflict_while_it_runs_and_after(
    shop: Shop, sagas: OrderSagaClient
) -> None:
    order_id = await waiting(shop, sagas)
    other = document(order_id, customer_id="customer-8")
    for _ in range(2):
        with pytest.raises(OrderConflict) as conflict:
            await sagas.place(other)
        assert "customer_id" in conflict.value.fields
        await _cancel(sagas, order_id)


async def _cancel(sagas: OrderSagaClient, order_id: str) -> None:
    if (await sagas.status(order_id)).outcome is None:
        await sagas.cancel(order_id, **BY)
        assert (await sagas.result(order_id)).reason == "customer_request"


async def test_a_wrong_document_is_refused_by_its_fields(
    shop: Shop, sagas: OrderSagaClient
) -> None:
    content = document(new_order_id(), currency="QQQ")
    content["lines"][0]["quantity"] = 0
    with pytest.raises(InvalidDocument, match=r"currency: .*lines.0.quantity: ") as refused:
        await sagas.place(content)
    assert [each["field"] for each in refused.value.details] == ["currency", "lines.0.quantity"]
    with pytest.raises(InvalidDocument, match="document: must be a JSON object"):
        await sagas.place({**content, "placed_at": NOON})
    with pytest.raises(InvalidDocument, match="order_id"):
        await sagas.place({"currency": "GBP"})


async def test_an_order_is_held_amended_and_goes_on(shop: Shop, sagas: OrderSagaClient) -> None:
    held = shop.payments.faults.add(Fault(FaultKind.HOLD_BEFORE, operation="confirm"))
    order_id = await stocked(shop)
    await sagas.place(document(order_id))

    async def pays() -> bool:
        return held.holding > 0

    await until(pays)
    assert (await sagas.hold(order_id, **BY)).accepted
    shop.payments.faults.clear()
    assert (await sagas.status(order_id)).held_by == "anna"
    with pytest.raises(NotPossibleNow, match="on hold already"):
        await sagas.hold(order_id, **BY)
    address = {**document(order_id)["address"], "city": "York"}
    await sagas.change_address(order_id, address, **BY)
    await sagas.amend(order_id, {"1": 1}, **BY)
    with pytest.raises(InvalidDocument, match="quantity"):
        await sagas.amend(order_id, {"1": -1}, **BY)
    await sagas.resume(order_id, **BY)
    assert (await sagas.result(order_id)).outcome == "completed"
    with pytest.raises(NotPossibleNow, match="ended"):
        await sagas.cancel(order_id, **BY)


async def test_what_nobody_knows_is_named(shop: Shop, sagas: OrderSagaClient) -> None:
    for ask in (sagas.status, sagas.result):
        with pytest.raises(SagaUnknown):
            await ask("nobody-placed-it")


async def test_a_batch_gives_an_answer_or_an_error_for_each(
    shop: Shop, sagas: OrderSagaClient
) -> None:
    ids = [await stocked(shop) for _ in range(5)]
    documents = [document(order_id) for order_id in ids]
    documents[2]["payment"] = {"token": TOKEN_DECLINED}
    documents[3]["currency"] = "QQQ"
    answers = await batch((sagas.place(each) for each in documents), at_once=2)
    assert [getattr(answer, "order_id", None) for answer in answers] == [*ids[:3], None, ids[4]]
    assert isinstance(answers[3], InvalidDocument)
    results = await batch(sagas.result(ids[number]) for number in (0, 1, 2, 4))
    assert [getattr(each, "reason", each) for each in results] == [
        None,
        None,
        "payment_declined",
        None,
    ]
