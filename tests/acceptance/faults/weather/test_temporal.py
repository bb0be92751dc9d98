"""Temporal away, silent or slow: no order pays for it."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from ordersaga.client.orders import SagaRefused, SagaUnknown
from ordersaga.importing.plan import PlannedOrder
from tests.support.faults.database import frozen
from tests.support.faults.exposed import Exposed
from tests.support.faults.trial import SHORT, undergo
from tests.support.faults.troubles import TEMPORAL_TROUBLES, Trouble

pytestmark = pytest.mark.system  # it takes minutes, root and a Debian package


@pytest.mark.parametrize("trouble", TEMPORAL_TROUBLES)
async def test_no_order_pays_for_it(
    site: Exposed, orders: list[PlannedOrder], trouble: str
) -> None:
    outcome = await undergo(site, trouble, orders, SHORT, print)
    assert outcome.open_at_begin > 0  # the control: somebody could have paid
    assert outcome.problems == []


@asynccontextmanager
async def misrule(site: Exposed) -> AsyncIterator[None]:
    """Somebody cancels orders, kills a process, and keeps another from hearing SIGTERM."""
    for order_id in await site.shop.open():
        with suppress(SagaRefused, SagaUnknown):  # it had gone too far, or not begun
            await site.shop.sagas.cancel(order_id, actor="control", reason="to be found")
    os.kill(site.pids()["notifications"], signal.SIGKILL)
    with frozen(site.spares["spare-starter"].pid or 0):
        yield


async def test_the_control_what_must_not_be_is_named(
    site: Exposed, orders: list[PlannedOrder]
) -> None:
    troubles = {"misrule": Trouble(misrule, idle=frozenset({"projections"}))}
    outcome = await undergo(site, "misrule", orders, SHORT, print, troubles)
    for named in (
        "orders: cancelled: customer_request",
        "spare-starter ignored SIGTERM",
        "projections did not say that it cannot work",
        "a process was restarted",
    ):
        assert any(named in problem for problem in outcome.problems), outcome.problems
