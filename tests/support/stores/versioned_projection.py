"""A read model in several versions, each of which signs its rows; also run as a program of one."""

import asyncio
import dataclasses
import sys
from collections.abc import Sequence

from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore
from projections.engine import control
from projections.engine.lane import LaneOptions
from projections.engine.projection import Connection, Projection, Recorded
from projections.engine.runner import LaneDelays, ProjectionRunner
from projections.read_models.order_history import model as order_history
from tests.support.stores.read_models import CODEC

OPTIONS = LaneOptions(batch=10)
DELAYS = LaneDelays(idle=0.02, held=0.005, linger=0.0, retry=0.001, retry_most=0.01, unfit=0.02)


def signed(version: int) -> Projection:
    """The history of orders; `actor` names the version whose program wrote the row."""

    async def apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
        await order_history.PROJECTION.apply(connection, schema, batch)
        await connection.execute(
            f"UPDATE {schema}.order_history SET actor = $1 WHERE position = ANY ($2)",  # noqa: S608  our own name
            f"v{version}",
            [item.stored.position for item in batch],
        )

    return dataclasses.replace(order_history.PROJECTION, version=version, apply=apply)


def ignore_versions(version: int) -> None:
    """Make this program blind: it takes every lane for one of its own version."""
    lock, load_position, load_lanes = control.lock_lane, control.load_position, control.load_lanes

    async def blind_lock(*arguments: object) -> object:
        lane = await lock(*arguments)  # type: ignore[arg-type]  # handed through
        return lane and dataclasses.replace(lane, version=version)

    async def blind_position(*arguments: object) -> object:
        loaded = await load_position(*arguments)  # type: ignore[arg-type]  # handed through
        return loaded and (loaded[0], version, loaded[2])

    async def blind_lanes(*arguments: object) -> object:
        lanes = await load_lanes(*arguments)  # type: ignore[arg-type]  # handed through
        return [dataclasses.replace(lane, version=version) for lane in lanes]

    control.lock_lane = blind_lock  # type: ignore[assignment]  # the same calls
    control.load_position = blind_position  # type: ignore[assignment]  # the same calls
    control.load_lanes = blind_lanes  # type: ignore[assignment]  # the same calls


async def main(url: str, version: int, *, blind: bool) -> None:
    """Run one version until the process is killed; the lines on stdout are its log."""
    if blind:
        ignore_versions(version)
    pool = await create_pool(url)
    runner = ProjectionRunner(
        pool,
        PostgresEventStore(pool),
        CODEC,
        None,
        [signed(version)],
        options=OPTIONS,
        delays=DELAYS,
    )
    await runner.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), blind="blind" in sys.argv))
