"""Troubles of the database, the network, Temporal and the providers: no order pays for them.

One or two of each kind, on one stack, one after the other; `make weather` and `make outages` try
all of them, and longer.
"""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import islice

import pytest
from ordersaga_client import NotPossibleNow, SagaUnknown

from ordersaga.demo.source import SHIPPED_SAMPLE
from ordersaga.importing.plan import PlannedOrder
from tests.support.faults.database import frozen
from tests.support.faults.exposed import Exposed, exposed_shop
from tests.support.faults.provider_troubles import PROVIDER_TROUBLES
from tests.support.faults.trial import SHORT, harmless, undergo
from tests.support.faults.troubles import TROUBLES, Trouble
from tests.support.stack.chaos_shop import real_orders

pytestmark = [
    pytest.mark.system,  # it takes minutes, root and Debian packages
    pytest.mark.timeout(1800),  # its own limits come first: they name what is wrong
]

ALL = {**TROUBLES, **PROVIDER_TROUBLES}
CHOSEN = (
    *("read-only", "events-locked", "present-silent", "answers-lost"),
    *("temporal-stopped", "payment-401", "sessions-killed"),
    "fail-over",  # last, since the database is another one afterwards
)


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exposed]:
    folder = tmp_path_factory.mktemp("weather") / "data"
    async with exposed_shop(folder, print, with_spares=True) as site:
        yield site


@pytest.fixture(scope="module")
def all_orders() -> Iterator[PlannedOrder]:
    """Orders that nobody else has."""
    return iter(harmless(real_orders(SHIPPED_SAMPLE, 3 * SHORT.orders * len(CHOSEN), seed=12)))


@pytest.fixture
def orders(all_orders: Iterator[PlannedOrder]) -> list[PlannedOrder]:
    return list(islice(all_orders, SHORT.orders))


@asynccontextmanager
async def misrule(site: Exposed) -> AsyncIterator[None]:
    """Somebody cancels orders, kills a process, and keeps another from hearing SIGTERM."""
    for order_id in await site.shop.open():
        with suppress(NotPossibleNow, SagaUnknown):  # it had gone too far, or not begun
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


@pytest.mark.parametrize("trouble", CHOSEN)
async def test_no_order_pays_for_it(
    site: Exposed, orders: list[PlannedOrder], trouble: str
) -> None:
    outcome = await undergo(site, trouble, orders, SHORT, print, ALL)
    assert outcome.open_at_begin > 0  # the control: somebody could have paid
    assert outcome.problems == []
