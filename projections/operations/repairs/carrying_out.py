"""Carrying out repairs: one process works on each; if it dies, or an outage ends it, others do."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from uuid import uuid4

import structlog

from eventstore.codec import EventCodec
from eventstore.store import EventStore
from projections.engine import control
from projections.engine.projection import LIVE, Pool, Projection
from projections.errors import (
    Interrupted,
    ProjectionError,
    Stalled,
    VersionMismatch,
    describe,
    is_outage,
)
from projections.operations.operate import ReplayResult, replay
from projections.operations.rebuild import Progress, rebuild
from projections.operations.repairs import table
from projections.operations.repairs.table import RepairKind, TakenRepair

MOST_TRIES: Final = 10
"""Tries that end without an answer, such as by the death of the process."""

_KEEP_EVERY_S: Final = 1.0
_GIVEN_UP: Final = (
    f"given up after {MOST_TRIES} tries: see the logs of the projections, then ask again"
)
_log = structlog.get_logger(__name__)


class Repairer:
    """Carries out the repairs of some projections, in one process.

    Args:
        pool: a rebuild needs as many connections as the projection has lanes, plus two.
        store: the events.
        codec: decodes them.
        projections: those of which it carries out repairs.
    """

    def __init__(
        self, pool: Pool, store: EventStore, codec: EventCodec, projections: Sequence[Projection]
    ) -> None:
        self._pool = pool
        self._store = store
        self._codec = codec
        self._projections = {projection.name: projection for projection in projections}
        self._process = uuid4()
        self._progress: Progress | None = None

    async def work(self, stop: asyncio.Event, beat: Callable[[], None]) -> bool:
        """Carry out the oldest repair that nobody works on; False if there is none.

        Args:
            stop: when it is set, a rebuild is left to another process.
            beat: called every second while it works.

        Raises:
            Exception: an outage; the repair is taken up again.
        """
        taken = await table.take(self._pool, list(self._projections.values()), self._process)
        if taken is None:
            return False
        fields = {"kind": str(taken.kind), "projection": taken.projection, "repair": taken.id}
        _log.info("repair begun", **fields, attempt=taken.tries)
        with self._kept(taken, beat):
            outcome = await self._outcome(taken, stop)
        if outcome is None:
            await table.release(self._pool, taken, self._process)
            return True
        failed, text = outcome
        await table.end(self._pool, taken, self._process, failed=failed, outcome=text)
        _log.info("repair ended", **fields, failed=failed, outcome=text)
        return True

    @contextmanager
    def _kept(self, taken: TakenRepair, beat: Callable[[], None]) -> Iterator[None]:
        self._progress = None
        keeping = asyncio.create_task(self._keep(taken, beat))
        try:
            yield
        finally:
            keeping.cancel()

    async def _keep(self, taken: TakenRepair, beat: Callable[[], None]) -> None:
        while True:
            beat()
            seen = self._progress
            place = (seen.position, seen.head) if seen else (0, 0)
            with contextlib.suppress(Exception):  # the work itself meets the same outage
                await table.keep(self._pool, taken, self._process, *place)
            await asyncio.sleep(_KEEP_EVERY_S)

    async def _outcome(self, taken: TakenRepair, stop: asyncio.Event) -> tuple[bool, str] | None:
        """Whether it failed, and what to say; None if it is left to another process."""
        if taken.tries > MOST_TRIES:
            return True, _GIVEN_UP
        try:
            return await self._carry_out(taken, stop)
        except Interrupted as error:
            return None if stop.is_set() else (True, str(error))
        except Stalled:
            raise
        except ProjectionError as error:
            return True, str(error)
        except Exception as error:
            if is_outage(error):
                raise
            return True, describe(error)

    async def _carry_out(self, taken: TakenRepair, stop: asyncio.Event) -> tuple[bool, str]:
        projection = self._projections[taken.projection]
        services = (self._pool, self._store, self._codec, projection)
        if taken.kind is RepairKind.REPLAY:
            return _replayed(await replay(*services, taken.stream or None))
        await self._refuse_older(projection)
        await rebuild(*services, report=self._note, stop=stop)
        return False, "filled from the first event on, and switched over"

    async def _refuse_older(self, projection: Projection) -> None:
        """Raises VersionMismatch if a newer program has rebuilt it."""
        for lane in await control.load_lanes(self._pool, LIVE, [projection.name]):
            if lane.version > projection.version:
                raise VersionMismatch(projection.name, lane.version, projection.version)

    def _note(self, progress: Progress) -> None:
        self._progress = progress


def _replayed(results: Sequence[ReplayResult]) -> tuple[bool, str]:
    failed = [result for result in results if result.error is not None]
    if failed:
        first = f"{failed[0].stream}: {failed[0].error}"
        return True, f"{len(failed)} of {_streams(results)} failed again and stayed parked; {first}"
    if not results:
        return False, "nothing was parked any more"
    events = sum(result.events for result in results)
    return False, f"{_streams(results)} applied, with {events} events that had waited"


def _streams(results: Sequence[ReplayResult]) -> str:
    return f"{len(results)} stream{'' if len(results) == 1 else 's'}"
