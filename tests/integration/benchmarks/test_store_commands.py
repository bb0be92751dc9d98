"""The benchmark of concurrent commands runs, in its shortest form."""

from benchmarks.rounds import OURS
from benchmarks.store_commands import CONNECTIONS, by_hand, commanding
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores.event_store import migrated_database, opened_store


async def test_commands_are_measured_beside_the_same_work_by_hand(
    postgres_server: EmbeddedPostgres,
) -> None:
    async with migrated_database(postgres_server) as url, opened_store(url) as store:
        (measure,) = await commanding(url, store, rounds=1, scale=0.1)
        assert set(measure.figures) == {OURS, *map(by_hand, CONNECTIONS)}
        assert all(figure > 0 for (figure,) in measure.figures.values())
        assert {bar.against for bar in measure.bars} == set(map(by_hand, CONNECTIONS))
