"""A database that answers with errors, or does not answer: no order pays for it."""

import pytest

from ordersaga.importing.plan import PlannedOrder
from tests.support.faults.exposed import Exposed
from tests.support.faults.trial import SHORT, undergo
from tests.support.faults.troubles import DATABASE_TROUBLES

pytestmark = pytest.mark.system  # it takes minutes, root and a Debian package


@pytest.mark.parametrize("trouble", DATABASE_TROUBLES)
async def test_no_order_pays_for_it(
    site: Exposed, orders: list[PlannedOrder], trouble: str
) -> None:
    outcome = await undergo(site, trouble, orders, SHORT, print)
    assert outcome.open_at_begin > 0  # the control: somebody could have paid
    assert outcome.problems == []
