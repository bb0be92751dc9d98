"""A deployment under load: every process is replaced by the version before, and back again.

`make rolling` does the same with 200 orders in flight.
"""

from pathlib import Path

import pytest

from ordersaga.demo.source import SHIPPED_SAMPLE
from ordersaga.embedded.stack import StackOptions
from tests.support.faults.exposed import ROLES
from tests.support.faults.rolling import ORDER_OF_DEPLOYMENT, roll
from tests.support.faults.trial import harmless
from tests.support.stack import version_before
from tests.support.stack.chaos_shop import chaos_shop, real_orders

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

IN_FLIGHT = 20


async def test_no_order_notices_that_every_process_is_replaced(tmp_path: Path) -> None:
    versions = version_before.there_and_back(tmp_path / "before", print)
    orders = harmless(real_orders(SHIPPED_SAMPLE, 900, seed=3))
    async with chaos_shop(tmp_path / "data", print, StackOptions(roles=ROLES)) as shop:
        rolled = await roll(shop, orders, IN_FLIGHT, versions, print)
    assert rolled.problems == []
    assert len(rolled.replaced) == 2 * len(ORDER_OF_DEPLOYMENT)
    assert min(rolled.open_at) > 0  # the control: somebody could have noticed
