"""One `ordersaga up` for all acceptance tests that do not need one of their own."""

from collections.abc import AsyncIterator

import pytest

from tests.support.stack import Up


@pytest.fixture(scope="session")
async def running_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Up]:
    """A whole stack, shared: use order ids and SKUs of your own, leave no faults behind."""
    up = Up(tmp_path_factory.mktemp("shared stack") / "data")
    await up.start()
    try:
        yield up
    finally:
        await up.stop()
