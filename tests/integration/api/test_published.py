"""Whatever is sent: every answer of the API is one that its OpenAPI document describes."""

import asyncio

import pytest
from schemathesis import GenerationMode

from ordersaga.access.roles import Role
from ordersaga.api.app import build_app
from tests.support.api.published import Published, Tries, kinds_of_requests
from tests.support.api.shop import ApiShop
from tests.support.stack.stack import order_document


@pytest.fixture(scope="module")
async def published(shop: ApiShop) -> Published:
    for number in range(3):
        await shop.post("/orders", order_document(f"F{number}", customer_id="C1"))
        await shop.post(f"/stock/S{number}/receive", {"quantity": 5, "reference": "first"})
    await shop.post("/orders/F2/cancel", {"reason": "no longer wanted"})
    await shop.project()
    known = {"order_id": ["F0", "F1", "F2"], "sku": ["S0", "S1", "S2"], "customer_id": ["C1"]}
    return Published(build_app().openapi(), shop.url, shop.tokens, known)


CASES = [pytest.param(*each, id=f"{each[0]}-{each[1].value}") for each in kinds_of_requests()]


@pytest.mark.parametrize(("operation", "mode"), CASES)
async def test_every_answer_is_one_that_the_document_describes(
    published: Published, operation: str, mode: GenerationMode
) -> None:
    await asyncio.to_thread(lambda: published.try_operation(operation, mode, Tries(10)))


async def test_so_is_each_answer_of_requests_that_build_on_another(published: Published) -> None:
    await asyncio.to_thread(lambda: published.try_sequences(Role.ADMIN, Tries(10)))
