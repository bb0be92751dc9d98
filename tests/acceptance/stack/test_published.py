"""Whatever is sent to the API of a whole stack: it answers as its OpenAPI document says."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from schemathesis import GenerationMode

from ordersaga.access.roles import Role
from ordersaga.api.app import operations
from tests.support.api.published import ENDLESS, Published, Tries
from tests.support.api.stack import published_by
from tests.support.stack.stack import Up

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
async def published(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Published]:
    stack = Up(tmp_path_factory.mktemp("published") / "data")
    await stack.start()
    try:
        yield await published_by(stack)
    finally:
        await stack.stop()


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("operation", sorted(operations().keys() - {ENDLESS}))
async def test_every_answer_is_one_that_the_document_describes(
    published: Published, operation: str, mode: GenerationMode
) -> None:
    await asyncio.to_thread(published.try_operation, operation, mode, Tries(5))


@pytest.mark.parametrize("role", Role)
async def test_so_is_each_answer_of_requests_that_build_on_another(
    published: Published, role: Role
) -> None:
    await asyncio.to_thread(published.try_sequences, role, Tries(5))
