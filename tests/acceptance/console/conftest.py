"""A browser, somebody who is signed in with it, and the sagas of the stack that they look at."""

from collections.abc import AsyncIterator

import pytest
from ordersaga_client import OrderSagaClient
from playwright.async_api import Browser
from temporalio.client import Client

from tests.support.stack.reader import Person, opened_browser, signed_in
from tests.support.stack.stack import Up


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with opened_browser() as opened:
        yield opened


@pytest.fixture
async def person(browser: Browser, running_stack: Up) -> AsyncIterator[Person]:
    async with signed_in(browser, running_stack) as somebody:
        yield somebody
        assert somebody.complaints == []
    await running_stack.payment.clear()
    await running_stack.carrier.clear()


@pytest.fixture(scope="module")
async def sagas(running_stack: Up) -> OrderSagaClient:
    return OrderSagaClient(await Client.connect(running_stack.state().temporal_address))
