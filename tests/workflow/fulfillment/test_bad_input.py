"""Whatever a saga is started with, a bad input ends the run at once and changes nothing."""

from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.common import RawValue

from activities.messages import ORDERS_QUEUE, WORKFLOW_TYPE
from tests.support.sagas.sagas import failure, new_order_id, result, start
from tests.support.sagas.shop import Shop, document


def _raw(encoding: str, data: bytes) -> RawValue:
    return RawValue(Payload(metadata={"encoding": encoding.encode()}, data=data))


BAD_ARGUMENTS: dict[str, list[Any]] = {
    "no input": [],
    "two inputs": [{}, {}],
    "three undecodable inputs": [_raw("json/plain", b"{")] * 3,
    "null": [None],
    "a list": [[document("X")]],
    "text": ["order X"],
    "a number": [5],
    "an empty object": [{}],
    "broken JSON": [_raw("json/plain", b'{"order_id": ')],
    "bytes that are no text": [_raw("json/plain", b"\xff\xfe\x00")],
    "no bytes at all": [_raw("json/plain", b"")],
    "binary": [b"\x00\x01"],
    "an unknown encoding": [_raw("who/knows", b"{}")],
    "no encoding": [RawValue(Payload(data=b"{}"))],
    "deep nesting": [_raw("json/plain", b"[" * 50_000 + b"]" * 50_000)],
    "a huge number": [_raw("json/plain", b'{"order_id": 1' + b"0" * 5000 + b"}")],
}


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
async def test_an_input_that_is_no_order_document_fails_the_run_at_once(
    client: Client, shop: Shop, arguments: list[Any]
) -> None:
    order_id = new_order_id()
    handle = await client.start_workflow(
        WORKFLOW_TYPE,
        args=arguments,
        id=f"order-{order_id}",
        task_queue=ORDERS_QUEUE,
    )
    error = await failure(handle)
    assert error.type == "InvalidDocument"
    assert error.non_retryable
    assert await shop.story(order_id) == []


async def test_every_wrong_field_is_named_and_no_value_is_repeated(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    content = document(order_id)
    content["lines"][0]["quantity"] = 1.5
    content["address"]["country"] = "Secretland"
    content["address"]["name"] = "Jo Secretperson" * 20
    content["payment"]["token"] = "secret token"
    content["surprise"] = "secret"
    error = await failure(await start(client, order_id, content))
    for field in (
        "lines.0.quantity",
        "address.country",
        "address.name",
        "payment.token",
        "surprise",
    ):
        assert field in error.message
    assert "ecret" not in error.message
    assert await shop.story(order_id) == []


async def test_an_order_id_that_does_not_fit_the_workflow_id_fails_the_run(
    client: Client, shop: Shop
) -> None:
    order_id, another = new_order_id(), new_order_id()
    error = await failure(await start(client, order_id, document(another)))
    assert error.type == "InvalidDocument"
    assert "order_id" in error.message
    assert [await shop.story(each) for each in (order_id, another)] == [[], []]


async def test_the_control_with_a_good_document_does_not_fail(client: Client, shop: Shop) -> None:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    handle = await start(client, order_id, document(order_id))
    assert (await result(handle))["outcome"] == "completed"
