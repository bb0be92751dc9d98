"""Orders at each step of their way, and the activities that work on them."""

import pytest

from tests.support.sagas.bench import STEP, Bench


@pytest.fixture
async def bench() -> Bench:
    bench = Bench()
    await bench.shop.receive("A1-sku", 10)
    return bench


@pytest.fixture
async def reserved(bench: Bench) -> Bench:
    await bench.run(bench.inventory.reserve_inventory, bench.reservation())
    return bench


@pytest.fixture
async def paid(reserved: Bench) -> Bench:
    await reserved.run(reserved.payments.process_payment, STEP)
    return reserved
