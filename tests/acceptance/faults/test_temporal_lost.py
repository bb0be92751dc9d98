"""The Temporal database is destroyed while sagas are open: `ordersaga recover` brings them back."""

import json
from pathlib import Path

from ordersaga.demo.source import SHIPPED_SAMPLE
from tests.acceptance.cli_shop import CliShop
from tests.support.faults.temporal_lost import destroy_and_recover, open_at_random_points
from tests.support.stack.chaos_shop import chaos_shop, real_orders
from tests.support.stack.stack import clean_environment, ordersaga

ORDERS = 40


async def test_all_sagas_end_properly_after_temporal_lost_its_database(tmp_path: Path) -> None:
    orders = real_orders(SHIPPED_SAMPLE, ORDERS, seed=7)
    async with chaos_shop(tmp_path / "data", print) as shop:
        steps = await open_at_random_points(shop, orders, seed=7)
        assert len(steps) >= 2, steps  # they do not all wait at the same step
        env = clean_environment(**shop.stack.settings_env())

        async def recover() -> int:
            dry = (await ordersaga("recover", "--dry-run", "--json", env=env)).json()
            done = (await ordersaga("recover", "--json", env=env)).json()
            assert done["counts"]["left"] == 0, json.dumps(done["orders"])
            assert done["counts"]["started"] > 0
            assert dry["counts"]["would_start"] >= done["counts"]["started"]
            again = (await ordersaga("recover", "--json", env=env)).json()
            assert again["counts"]["started"] == 0
            return int(done["counts"]["started"])

        lost = await destroy_and_recover(shop, recover)
        # What was under way at that moment may have ended its order without Temporal's knowing.
        # On a busy machine, an order may have ended before.
        assert ORDERS * 0.8 <= lost.started <= lost.open_after <= lost.open_before <= ORDERS
        assert lost.settled.stuck == []
        assert lost.settled.attention == []
        assert lost.settled.recovered == 0  # the first recovery was enough
        assert lost.report.findings == []
        assert lost.report.complete
        assert all(sums.equal for sums in lost.report.comparisons)


async def test_without_temporal_a_recovery_says_so_and_ends_with_3(
    empty_database: str, tmp_path: Path
) -> None:
    shop = await CliShop.opened(empty_database, tmp_path)
    ended = await shop.run("recover")
    assert ended.code == 3
    assert "Temporal at 127.0.0.1" in ended.err
    assert ended.err.count("\n") == 1
