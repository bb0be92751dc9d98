"""Whatever is done by hand to an activity or a run in Temporal, the event store decides."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from tests.support.faults.traps import TrappedShop
from tests.support.sagas.by_hand import ACTS, CANCELLED, RESULTS, Act, completed, pending_activity
from tests.support.sagas.long_runs import PLACES, Place, Standing, bring_to
from tests.support.sagas.resets import effects_of
from tests.support.sagas.sagas import result, until
from tests.support.sagas.shop import running_workers

pytestmark = pytest.mark.usefixtures("few_attempts")

WAITING = [place for place in PLACES if place.name in RESULTS]
TABLE = [
    *((place, name, act) for place in WAITING for name, act in ACTS.items()),
    *((place, "completed", completed(RESULTS[place.name])) for place in WAITING),
]
IN_SHORT = {("payment", "completed"), ("label", "completed"), ("payment", "failed")}
CASES = [
    pytest.param(
        place,
        act,
        id=f"{place.name}-{name}",
        marks=() if (place.name, name) in IN_SHORT else pytest.mark.long,
    )
    for place, name, act in TABLE
]


@pytest.fixture
async def shop(client: Client) -> AsyncIterator[TrappedShop]:
    shop = TrappedShop()
    async with running_workers(client, shop, interceptors=[shop.traps]):
        yield shop


@pytest.mark.parametrize(("place", "act"), CASES)
async def test_an_order_ends_as_ever_whatever_is_done_to_the_activity_that_it_waits_for(
    temporal: WorkflowEnvironment, shop: TrappedShop, place: Place, act: Act
) -> None:
    standing = await bring_to(temporal, shop, place)
    await _do(temporal.client, standing, act)
    await standing.let_go()
    assert (await result(standing.handle))["outcome"] == place.ends
    effects = await effects_of(shop, standing.order_id)
    assert effects.status == place.ends
    assert (len(effects.payments), effects.stock[1]) == (1, 0)
    assert [p.reference for p in effects.payments] != ["pay_by_hand"]


async def _do(client: Client, standing: Standing, act: Act) -> None:
    """Do it between two attempts; Temporal refuses some acts while one runs."""

    async def done() -> bool:
        pending = await pending_activity(client, standing.handle.id)
        if pending is None:
            return False
        try:
            await act(client, standing.handle.id, pending.activity_id)
        except RPCError:
            return False
        return True

    await until(done)


async def test_an_activity_that_nobody_asked_to_cancel_is_started_again(
    temporal: WorkflowEnvironment, shop: TrappedShop
) -> None:
    place = next(place for place in PLACES if place.name == "payment")
    standing = await bring_to(temporal, shop, place)
    pending = await pending_activity(temporal.client, standing.handle.id)
    assert pending is not None
    with pytest.raises(RPCError):  # Temporal refuses it: nobody requested it
        await CANCELLED(temporal.client, standing.handle.id, pending.activity_id)
    await standing.let_go()
    assert (await result(standing.handle))["outcome"] == "completed"
