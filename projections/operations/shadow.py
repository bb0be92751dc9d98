"""A second set of a read model's tables, filled in another schema beside the live one."""

from collections.abc import Sequence

from eventstore.codec import EventCodec
from eventstore.store import EventStore
from projections.engine import control
from projections.engine.concurrently import run_concurrently
from projections.engine.control import Lane
from projections.engine.feed import SharedFeed
from projections.engine.lane import DEFAULT_OPTIONS, LaneOptions, LaneWorker, Watch, reach
from projections.engine.projection import LIVE, Connection, Pool, Projection
from projections.operations.install import create_tables


class Shadow:
    """The tables of one projection in the schema `target`, with the same lanes as the live ones."""

    def __init__(
        self,
        pool: Pool,
        store: EventStore,
        codec: EventCodec,
        projection: Projection,
        target: str,
        options: LaneOptions = DEFAULT_OPTIONS,
        feed: SharedFeed | None = None,
    ) -> None:
        self._pool = pool
        self._store = store
        self._codec = codec
        self.projection = projection
        self.target = target
        self._options = options
        self._feed = feed or SharedFeed(pool, store, projection.feed_filter())

    async def prepare(self) -> bool:
        """Create the tables, or keep those of an earlier run of this version; True if kept."""
        async with self._pool.acquire() as connection, connection.transaction():
            live = await control.lock_lanes(connection, LIVE, self.projection.name)
            kept = await self._is_kept(connection, live)
            if not kept:
                await self.discard(connection)
                await self._create(connection, live)
        return kept

    async def _is_kept(self, connection: Connection, live: Sequence[Lane]) -> bool:
        lanes = await control.lock_lanes(connection, self.target, self.projection.name)
        same_lanes = [lane.buckets for lane in lanes] == [lane.buckets for lane in live]
        same_version = all(lane.version == self.projection.version for lane in lanes)
        return same_version and same_lanes

    async def _create(self, connection: Connection, live: Sequence[Lane]) -> None:
        await create_tables(connection, self.target, self.projection)
        buckets = [lane.buckets for lane in live]
        await control.insert_lanes(connection, self.target, self.projection, buckets, 0)

    async def discard(self, connection: Connection) -> None:
        """Drop the tables and their control rows."""
        for table in self.projection.tables:
            await connection.execute(f"DROP TABLE IF EXISTS {self.target}.{table}")
        for name in ("delete_lanes", "unpark_all"):
            await connection.execute(control.sql(name), self.target, self.projection.name)

    async def advance(self, goals: Sequence[int], watch: Watch | None = None) -> None:
        """Apply each lane up to its goal (a position), not beyond.

        `watch` gets the lowest position of all lanes.

        Raises:
            Stalled: the database kept failing.
        """
        lanes = await control.load_lanes(self._pool, self.target, [self.projection.name])
        positions = [lane.position for lane in lanes]

        async def advance_lane(index: int, lane: Lane, goal: int) -> None:
            async def moved(position: int) -> None:
                positions[index] = position
                if watch is not None:
                    await watch(min(positions))

            if lane.position < goal:
                await reach(self._worker(lane), goal, moved)

        await run_concurrently(
            advance_lane(index, lane, goal)
            for index, (lane, goal) in enumerate(zip(lanes, goals, strict=True))
        )

    def _worker(self, lane: Lane) -> LaneWorker:
        return LaneWorker(
            self._pool,
            self._store,
            self._codec,
            self.projection,
            lane.number,
            lane.buckets,
            target=self.target,
            options=self._options,
            feed=self._feed,
        )
