"""One exposed stack for the troubles of a module, and orders that nobody else has."""

from collections.abc import AsyncIterator, Iterator
from itertools import islice

import pytest

from ordersaga.demo.source import SHIPPED_SAMPLE
from ordersaga.importing.plan import PlannedOrder
from tests.support.faults.exposed import Exposed, exposed_shop
from tests.support.faults.trial import SHORT, harmless
from tests.support.faults.troubles import TROUBLES
from tests.support.stack.chaos_shop import real_orders


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exposed]:
    folder = tmp_path_factory.mktemp("weather") / "data"
    async with exposed_shop(folder, print, with_spares=True) as site:
        yield site


@pytest.fixture(scope="module")
def all_orders() -> Iterator[PlannedOrder]:
    return iter(harmless(real_orders(SHIPPED_SAMPLE, 2 * SHORT.orders * len(TROUBLES), seed=12)))


@pytest.fixture
def orders(all_orders: Iterator[PlannedOrder]) -> list[PlannedOrder]:
    return list(islice(all_orders, SHORT.orders))
