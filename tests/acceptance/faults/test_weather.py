"""Troubles of the database and Temporal beside open orders: no order pays for one.

Each lasts longer than twice what an attempt of an activity may take.
"""

from collections.abc import AsyncIterator, Iterator
from itertools import islice

import pytest

from ordersaga.demo.source import SHIPPED_SAMPLE
from ordersaga.importing.plan import PlannedOrder
from tests.support.faults.exposed import Exposed, exposed_shop
from tests.support.faults.trial import Spell, harmless, undergo
from tests.support.faults.troubles import TROUBLES
from tests.support.stack.chaos_shop import real_orders
from workflows.policies import ATTEMPT

SPELL = Spell(lasts_s=2.5 * ATTEMPT.total_seconds())

pytestmark = pytest.mark.system  # root may mount a small disk, a pooler is a Debian package


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exposed]:
    folder = tmp_path_factory.mktemp("weather") / "data"
    async with exposed_shop(folder, print, with_spares=True) as site:
        yield site


@pytest.fixture(scope="module")
def orders() -> Iterator[PlannedOrder]:
    return iter(harmless(real_orders(SHIPPED_SAMPLE, 3 * SPELL.orders * len(TROUBLES), seed=12)))


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_no_order_pays_for_a_trouble(
    site: Exposed, orders: Iterator[PlannedOrder], trouble: str
) -> None:
    outcome = await undergo(site, trouble, list(islice(orders, SPELL.orders)), SPELL, print)
    assert outcome.open_at_begin > 0  # the control: somebody could have paid
    assert outcome.problems == []
