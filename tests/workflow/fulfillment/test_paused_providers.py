"""While a provider is not asked, each saga shows why, and tries again when it was told to."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from activities.failures import Trouble
from activities.ports import GatewayRefusedAccess, GatewayUnavailable
from ordersaga.operations.temporal_runs import find_run
from tests.support.faults.troubled_shop import TroubledShop
from tests.support.sagas.sagas import Handle, result, stocked_saga, until
from tests.support.sagas.shop import running_workers

TOLD_S = 50.0
PAUSED = GatewayUnavailable("payment provider: not asked now", retry_after_s=TOLD_S)
REFUSED = GatewayRefusedAccess("payment provider /payments: HTTP 401", retry_after_s=TOLD_S)


@pytest.fixture
async def shop(client: Client) -> AsyncIterator[TroubledShop]:
    shop = TroubledShop()
    async with running_workers(client, shop):
        yield shop


async def until_patient(handle: Handle) -> None:
    async def waits() -> bool:
        return bool((await handle.query("status"))["waiting"])

    await until(waits)


@pytest.mark.parametrize("error", [PAUSED, REFUSED], ids=["paused", "refused"])
async def test_the_first_try_ends_at_once_and_the_patient_one_waits_as_told(
    client: Client, shop: TroubledShop, error: GatewayUnavailable
) -> None:
    shop.meet(Trouble.PROVIDER, error)
    _, handle = await stocked_saga(client, shop)
    await until_patient(handle)

    async def is_told() -> bool:
        run = await find_run(client, handle.id)
        return run is not None and any(each.HasField("last_failure") for each in run.pending)

    await until(is_told)
    run = await find_run(client, handle.id)
    assert run is not None
    [pending] = run.pending
    assert pending.activity_id == "process-payment.2"
    assert pending.last_failure.message == str(error)
    # The interval is what the failure asked for, not what the policy would choose.
    waits = (
        pending.next_attempt_schedule_time.ToDatetime()
        - pending.last_attempt_complete_time.ToDatetime()
    )
    assert waits.total_seconds() == pytest.approx(TOLD_S, abs=1)
    assert shop.gateway.failed == 2
    [waiting] = (await handle.query("status"))["waiting"]
    assert waiting["failure"] == str(error)
    assert "goes on by itself" in waiting["plan"]
    shop.repair()
    assert (await result(handle))["outcome"] == "completed"
