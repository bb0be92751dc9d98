"""A payment provider and a carrier that fail in every way: no order pays for it, nobody is called.

Here each way is tried at one of them; `make outages` tries all at both.
"""

import pytest

from ordersaga.importing.plan import PlannedOrder
from tests.support.faults.exposed import Exposed
from tests.support.faults.provider_troubles import KINDS, PROVIDER_TROUBLES
from tests.support.faults.trial import SHORT, undergo

pytestmark = pytest.mark.system  # it takes minutes

CHOSEN = [f"{('payment', 'carrier')[n % 2]}-{kind}" for n, kind in enumerate(KINDS)]


@pytest.mark.parametrize("trouble", CHOSEN)
async def test_no_order_pays_for_it(
    site: Exposed, orders: list[PlannedOrder], trouble: str
) -> None:
    outcome = await undergo(site, trouble, orders, SHORT, print, PROVIDER_TROUBLES)
    assert outcome.open_at_begin > 0  # the control: somebody could have paid
    assert outcome.problems == []
