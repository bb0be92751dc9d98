"""The benchmark of loading a popular product runs, in its shortest form."""

from benchmarks.stock_loading import FEW, LONG, OPEN, measure, problems
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores.postgres import fresh_database


async def test_each_product_is_loaded_once_a_round_in_a_fresh_process(
    postgres_server: EmbeddedPostgres,
) -> None:
    async with fresh_database(postgres_server) as url:
        times = await measure(url, rounds=1, scale=0.03)
    assert {name: len(values) for name, values in times.items()} == {FEW: 1, LONG: 1, OPEN: 1}


def test_a_missed_bar_is_named() -> None:
    assert problems({FEW: [1.0], LONG: [3.0], OPEN: [10.0]}) == []
    slow = problems({FEW: [1.0], LONG: [3.5], OPEN: [10.5]})
    assert slow == [f"{LONG}: 3.50 times {FEW}", f"{OPEN}: 10.5 ms"]
