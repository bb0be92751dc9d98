"""The server under test: the stand-in; with ORDERSAGA_TEST_STRIPE=localstripe, that one.

localstripe is a second opinion. A rule in which it differs says so with what it does instead; the
documentation decides, so its tests are not collected for it.
"""

import os
from collections.abc import AsyncIterator

import pytest

from tests.support.stack.localstripe import running_localstripe
from tests.support.stack.stripe_rules import RULE, Rule, Server
from tests.support.stack.stripe_sandbox import running_stripe_sandbox, stripe_package

_SECOND_OPINION = os.environ.get("ORDERSAGA_TEST_STRIPE") == "localstripe"
SUBJECT = "localstripe" if _SECOND_OPINION else "stripe sandbox"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what localstripe does in another way."""
    if not _SECOND_OPINION:
        return
    differing = [item for item in items if _differs(item)]
    items[:] = [item for item in items if item not in differing]
    config.hook.pytest_deselected(items=differing)


def _differs(item: pytest.Item) -> bool:
    rule = getattr(getattr(item, "function", None), RULE, None)
    return isinstance(rule, Rule) and bool(rule.localstripe)


@pytest.fixture(scope="module", params=[SUBJECT])
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server with Stripe's API, shared by the tests of a module."""
    if _SECOND_OPINION:
        async with running_localstripe() as url, stripe_package(url) as client:
            yield Server(url, client)
        return
    async with (
        running_stripe_sandbox(tmp_path_factory.mktemp("stripe")) as sandbox,
        stripe_package(sandbox.url) as client,
    ):
        yield Server(sandbox.url, client, sandbox.control)
