"""The whole of it: find who knows more, ask the providers, start again, say what is lost.

It can be run again at any time, also while everything runs: what has been started again knows no
more than the database.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from temporalio.client import Client

from activities.messages import WORKFLOW_TYPE
from activities.returns.messages import DELIVERY_WORKFLOW_TYPE, RETURN_WORKFLOW_TYPE
from domain.ids import OrderId
from eventstore.commands.handler import CommandHandler
from ordersaga.errors import Refused
from ordersaga.installation.history import Histories, History, HistoryTable, unexamined
from ordersaga.operations.recovery.orders import AT_ONCE, Recovery, open_orders
from ordersaga.operations.recovery.outcome import RecoveryOutcome
from ordersaga.operations.recovery.returns import restart_workflows, unfinished_workflows
from ordersaga.operations.restoring.books import forgotten
from ordersaga.operations.restoring.memory import Memory, remember, runs_since
from ordersaga.operations.restoring.outcome import Ahead, Restored
from ordersaga.operations.restoring.starting_again import StartingAgain
from ordersaga.operations.verification.sources import Sources

_CLOCKS_APART: Final = timedelta(hours=1)
"""How far the clocks of the database and of Temporal may be apart."""

_FIRST: Final = "the database goes on with the history that it has always had"


async def present_history(table: HistoryTable) -> tuple[Histories, History, datetime | None]:
    """The histories, the present one, and since when runs may know what it has lost.

    Raises:
        Refused: there is only one.
    """
    histories = await table.list()
    present = histories[-1]
    if present.number == 1:
        raise Refused(
            f"{_FIRST}: if its files were put back from a copy, without recovery, say so with "
            "--announce"
        )
    looked_at = [one for one in unexamined(histories) if one.number > 1] or [present]
    times = [one.known_until for one in looked_at]
    begun = [time for time in times if time is not None]
    since = min(begun) - _CLOCKS_APART if len(begun) == len(times) else None
    return Histories(histories), present, since


@dataclass(frozen=True, slots=True)
class Restore:
    """One look at what another history of the database has lost.

    Attributes:
        client: Temporal.
        handler: loads orders, with personal data readable.
        histories: of the database.
        sources: the event store, which need not show personal data, and the books of the providers.
        dry_run: only say what would be done.
    """

    client: Client
    handler: CommandHandler
    histories: HistoryTable
    sources: Sources
    dry_run: bool = False

    async def run(self) -> Restored:
        """Find everything, and start it again.

        Raises:
            Refused: the database has one history only.
            RPCError: Temporal does not answer; what was started stays started.
            StoreUnavailable: the database does not answer.
        """
        histories, present, since = await present_history(self.histories)
        examined, memories = await self._ahead(histories, since)
        orders = [each for each in memories if each.run.workflow_type == WORKFLOW_TYPE]
        started = {OrderId(each.run.workflow_id.partition("-")[2]) for each in orders}
        unnamed, unasked = await forgotten(self.sources, started)
        ahead = await self._start_again(memories)
        recovered, left = await self._recover()
        return Restored(present, examined, ahead, unnamed, unasked, recovered, left)

    async def _ahead(
        self, histories: Histories, since: datetime | None
    ) -> tuple[int, list[Memory]]:
        """How many runs were read, and those that know more than the database."""
        slots = asyncio.Semaphore(AT_ONCE)
        runs = [run async for run in runs_since(self.client, since)]

        async def read(place: int) -> Memory:
            async with slots:
                return await remember(self.client, runs[place], histories.is_lost)

        memories = await asyncio.gather(*map(read, range(len(runs))))
        return len(runs), [each for each in memories if histories.is_lost(each.seen_up_to)]

    async def _start_again(self, memories: Sequence[Memory]) -> list[Ahead]:
        """Orders first: parcels and returns need them."""
        starting = StartingAgain(self.client, self.handler, self.sources.store, self.dry_run)
        ahead: list[Ahead] = []
        for kind, start in (
            (WORKFLOW_TYPE, starting.order),
            (DELIVERY_WORKFLOW_TYPE, starting.parcel),
            (RETURN_WORKFLOW_TYPE, starting.case),
        ):
            these = [each for each in memories if each.run.workflow_type == kind]
            ahead += [await start(memory) for memory in these]
        return ahead

    async def _recover(self) -> tuple[int, list[str]]:
        """As `ordersaga recover`: whatever is open and has no running workflow."""
        store = self.sources.store
        recovery = Recovery(self.handler, store, self.client, dry_run=self.dry_run)
        orders = await recovery.run(await open_orders(store))
        unfinished = await unfinished_workflows(store)
        others = await restart_workflows(self.client, unfinished, dry_run=self.dry_run)
        count = (RecoveryOutcome.STARTED, RecoveryOutcome.WOULD_START)
        recovered = sum(each.outcome in count for each in (*orders, *others))
        left = [f"{one.order_id}: {one.why}" for one in orders if one.outcome.needs_person]
        return recovered, left
