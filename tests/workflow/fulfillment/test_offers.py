"""What a saga offers is possible, what it does not offer is not, and what was said comes true.

In every state of the fault matrix in which a saga stands still. Each act that it offers there is
taken by a saga of its own.
"""

import asyncio
from collections.abc import Sequence

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from domain.values import Step
from ordersaga.operations.steering import Act
from ordersaga.operations.verification.run import verify
from tests.support.faults.fault_matrix import (
    MATRIX,
    Cell,
    expected_attention,
    expected_wait,
    hurry,
    sources,
)
from tests.support.faults.offers import Asked, Asking
from tests.support.faults.traps import TrappedShop
from tests.support.sagas.shop import running_workers

AT_ONCE = 24
STANDING = tuple(cell for cell in MATRIX if expected_attention(cell) or expected_wait(cell))
"""The cells whose saga stands still until somebody repairs what is wrong."""
SOME = tuple(cell for cell in STANDING if isinstance(cell.operation, Step))[::3]


async def ask(client: Client, cells: Sequence[Cell], acts: int) -> dict[Cell, list[Asked]]:
    """Ask a saga of each cell for everything; the first `acts` that it offers are each taken."""
    shop, turns = TrappedShop(), asyncio.Semaphore(AT_ONCE)
    asking = [
        (cell, Asking(client, shop, cell, number * acts + take, take=take))
        for number, cell in enumerate(cells)
        for take in range(acts)
    ]

    async def play(one: Asking) -> None:
        async with turns:
            try:
                await one.run()
            except Exception as error:
                error.add_note(f"{one.cell.name}, {one.asked}, {getattr(error, 'cause', None)!r}")
                raise

    with pytest.MonkeyPatch.context() as patch:
        hurry(patch)
        async with running_workers(client, shop, interceptors=[shop.traps]):
            await asyncio.gather(*(play(one) for _, one in asking))
            for _, one in asking:
                for let_go in one.late:
                    let_go()
    report = await verify(sources(shop))
    assert report.findings == []
    found: dict[Cell, list[Asked]] = {}
    for cell, one in asking:
        await one.what_happened()
        found.setdefault(cell, []).append(one.asked)
    return found


def require_truth(found: dict[Cell, list[Asked]]) -> None:
    """No offer is wrong, and nothing happened that was not said."""
    wrong = {
        f"{cell.name}, {asked.taken}": [*asked.wrong, *asked.surprises]
        for cell, several in found.items()
        for asked in several
        if asked.wrong or asked.surprises
    }
    assert wrong == {}


async def test_offers_are_true_in_some_states(temporal: WorkflowEnvironment) -> None:
    found = await ask(temporal.client, SOME, 2)
    require_truth(found)
    assert all(asked.offered and asked.taken for one in found.values() for asked in one)


@pytest.mark.long
async def test_offers_are_true_in_every_state_of_the_fault_matrix(
    temporal: WorkflowEnvironment,
) -> None:
    found = await ask(temporal.client, STANDING, len(Act))
    require_truth(found)
    taken = {asked.taken for several in found.values() for asked in several}
    assert taken >= {Act.CANCEL, Act.HOLD, Act.RETRY, Act.RESOLVE, Act.CHANGE_ADDRESS, Act.AMEND}
