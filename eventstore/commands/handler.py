"""The command handler: load, decide, append; concurrent commands are batched.

One load and one append serve a batch, and one batch is under way at a time: the commands that
arrive meanwhile form the next one. So a stream that many commands want at once, such as the stock
of a product in a sale, costs one round trip for all of them instead of a conflict for each.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any, Final, TypeVar, cast

from eventstore.codec import EventCodec
from eventstore.commands.batching import Batch, Chain, Command, fail_all
from eventstore.commands.decision import CommandContext, Decide, Decision
from eventstore.commands.folding import REMEMBERED, Fold, Loaded, StateLoader, States
from eventstore.commands.knowledge import IsLost, decided_with, nothing_is_lost, present
from eventstore.commands.queue import MAX_BATCH, CommandQueue
from eventstore.commands.repetition import Repetitions
from eventstore.commands.stats import HandlerStats
from eventstore.deadline import Deadline, current, of_command, until
from eventstore.errors import DuplicateEventId, LockNotAvailable, StoreUnavailable, VersionConflict
from eventstore.model import AppendResult, Metadata, StreamAppend
from eventstore.store import EventStore
from eventstore.tasks import answered, background, finish, no_time_left

__all__ = ["CommandContext", "CommandHandler", "Decision", "HandlerStats"]

S = TypeVar("S")
R = TypeVar("R")

LONGEST_S: Final = 15.0
"""How long a command may take by default where its caller has no deadline, in seconds."""

_MAX_PAUSE: Final = 20
"""The longest pause after a conflict, as a multiple of the first one."""

_GRACE_S: Final = 0.5
"""How long after its deadline a batch is cut off, in seconds."""


def _unchanged(metadata: Metadata) -> Metadata:
    return metadata


class CommandHandler:
    """Runs decisions against an event store.

    Args:
        store: where the streams live.
        codec: the stored form of the domain's events.
        stamp: completes a command's metadata in its caller's context, for example with its trace.
        attempts: how often a command decides before a conflict is raised.
        pause_s: the longest pause after the first conflict; it doubles up to 20 times that.
        rng: source of the pauses' jitter.
        remembered: how many folded states are kept in memory.
        max_batch: commands in a batch.
        longest_s: how long a command may take where its caller has no deadline.
        is_lost: whether a position is of a history of the database that is gone.

    Attributes:
        stats: counts for metrics.
    """

    def __init__(
        self,
        store: EventStore,
        codec: EventCodec,
        *,
        stamp: Callable[[Metadata], Metadata] = _unchanged,
        attempts: int = 30,
        pause_s: float = 0.002,
        rng: Random | None = None,
        remembered: int = REMEMBERED,
        max_batch: int = MAX_BATCH,
        longest_s: float = LONGEST_S,
        is_lost: IsLost = nothing_is_lost,
    ) -> None:
        self._store = store
        self._codec = codec
        self._stamp = stamp
        self._attempts = attempts
        self._pause_s = pause_s
        self._random = rng or Random()  # noqa: S311  jitter is no secret
        self._longest_s = longest_s
        self._is_lost = is_lost
        self._loader = StateLoader(store, codec, remembered=remembered)
        self._repetitions = Repetitions(store, self._loader)
        self._queue = CommandQueue(max_batch)
        self._runner: asyncio.Task[None] | None = None
        self.stats = HandlerStats()

    async def close(self) -> None:
        """Wait for the commands and the snapshots that are under way, not for long."""
        if self._runner is not None:
            await finish([self._runner])
        await self._loader.close()

    def forget(self) -> None:
        """Decide on nothing that is remembered: the database goes on with another history."""
        self._loader.forget_all()

    async def load(
        self,
        stream: str,
        fold: Fold[S],
        *,
        at_version: int | None = None,
        until: datetime | None = None,
    ) -> Loaded[S]:
        """Fold one stream: as it is, or as it was at a version or at a time."""
        if at_version is None and until is None:
            return (await self._loader.load({stream: fold}))[stream]
        return await self._loader.load_past(stream, fold, at_version, until)

    async def execute(
        self, streams: Mapping[str, Fold[Any]], decide: Decide[R], context: CommandContext
    ) -> R:
        """Load streams in one round trip, decide, append atomically.

        `decide` may run several times: after a version conflict the streams are loaded again and
        it decides on the fresh states. Every stream that gets events is appended with the exact
        version that was loaded; a stream that was only read may have moved on.

        Remembered states are decided on without a load where the append checks all of them, that
        is, where `decide` has events for every stream. Any other decision on remembered states,
        including a refusal, is made again on loaded ones.

        A command that was carried out before (its answer was lost) appends nothing and gets the
        first answer.

        Raises:
            VersionConflict: there was a conflict at every one of the attempts.
            DuplicateEventId: a command with this id was carried out with a different outcome.
            StoreUnavailable: the outcome is unknown, or the caller's deadline has passed; send the
                command again. Or the store has lost what the caller knows: see `knowledge`.
            whatever `decide` raises; nothing was appended then.
        """
        context = replace(context, metadata=self._stamp(context.metadata))
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        deadline, knowledge = of_command(self._longest_s), present()
        decide = decided_with(knowledge, self._is_lost, decide)
        command = Command(streams, decide, context, answer, deadline)
        self._queue.add(command)
        if self._runner is None:
            self._runner = background(self._run(), "eventstore commands")
        result = cast("R", await answered(answer, deadline))
        knowledge.note(command.seen)
        return result

    # --- batches ---------------------------------------------------------------------------------

    async def _run(self) -> None:
        commands: list[Command] = []
        try:
            while self._queue:
                commands = self._queue.next_batch()
                if commands:
                    await self._carry_out_in_time(commands)
                # Callers that just got an answer may send another command: it joins the next batch.
                await asyncio.sleep(0)
        finally:
            self._runner = None
            closed = StoreUnavailable("the process ended while the command was under way")
            fail_all(commands, closed)
            self._queue.close(closed)

    async def _carry_out_in_time(self, commands: Sequence[Command]) -> None:
        deadline = min((one.deadline for one in commands), key=Deadline.left)
        with until(deadline):
            try:
                # A store observes the deadline by itself; one that does not holds nobody else.
                async with asyncio.timeout(max(deadline.left(), 0) + _GRACE_S):
                    await self._carry_out(commands)
            except TimeoutError:
                self._give_up(commands, no_time_left())

    async def _carry_out(self, commands: Sequence[Command]) -> None:
        try:
            batch = await self._decide(commands)
        except StoreUnavailable as error:
            self._give_up(commands, error)
        except Exception as error:  # noqa: BLE001  it is the answer to a caller
            self._retry_alone(commands, error)
        else:
            await self._store_batch(batch)

    async def _decide(self, commands: Sequence[Command]) -> Batch:
        streams = {name: fold for command in commands for name, fold in command.streams.items()}
        if self._attempts > 1 and not any(command.needs_load for command in commands):
            remembered = self._loader.remembered(streams)
            if remembered is not None:
                batch = Batch(commands, streams, remembered, self._codec)
                if batch.is_checked_by_append():
                    return batch
        for command in commands:
            command.needs_load = True
        loaded: States = await self._loader.load(streams) if streams else {}
        return Batch(commands, streams, loaded, self._codec)

    # --- storing ---------------------------------------------------------------------------------

    async def _store_batch(self, batch: Batch) -> None:
        """Append the events and answer the commands, or put them back into the queue."""
        chains = [chain for chain in batch.chains if chain.events]
        for chain in batch.chains:
            if not chain.events:
                self._answer(batch, chain)
        conflicts = self.stats.conflicts
        outcomes = await self._append(batch, chains)
        for chain, outcome in zip(chains, outcomes, strict=True):
            await self._settle(batch, chain, outcome)
        if self.stats.conflicts != conflicts and self._queue:
            await self._pause(self._queue.first.conflicts)

    async def _append(
        self, batch: Batch, chains: Sequence[Chain]
    ) -> list[AppendResult | Exception]:
        if len(chains) > 1:
            appends = [append for chain in chains for append in batch.appends(chain)]
            outcome = await self._append_all(appends)
            of_some = VersionConflict | DuplicateEventId | LockNotAvailable
            if not isinstance(outcome, of_some) and not (
                isinstance(outcome, AppendResult) and outcome.repeated
            ):
                return [outcome] * len(chains)
        # Append each chain alone: only some of them are the cause.
        return await asyncio.gather(*(self._append_all(batch.appends(chain)) for chain in chains))

    async def _append_all(self, appends: Sequence[StreamAppend]) -> AppendResult | Exception:
        try:
            return await self._store.append(*appends)
        except Exception as error:  # noqa: BLE001  it is an outcome
            return error

    async def _settle(self, batch: Batch, chain: Chain, outcome: AppendResult | Exception) -> None:
        match outcome:
            case AppendResult(repeated=False):
                for stream, events in chain.events.items():
                    state = replace(batch.states[stream], position=outcome.last_position)
                    self._loader.keep(batch.streams[stream], state, len(events))
                self._answer(batch, chain, outcome.last_position)
            case VersionConflict():
                self._meet_conflict(batch, outcome)
                self._retry(chain, outcome)
            case LockNotAvailable():
                self._retry_alone(chain.commands, outcome)
            case StoreUnavailable():
                self._distrust(chain.events)
                self._give_up(chain.commands, outcome)
            case AppendResult():
                self._distrust(chain.events)
                await self._settle_repeated(batch, chain, DuplicateEventId("carried out before"))
            case DuplicateEventId():
                self._distrust(chain.events)
                await self._settle_repeated(batch, chain, outcome)
            case _:
                self._distrust(chain.events)
                self._retry_alone(chain.commands, outcome)

    def _answer(self, batch: Batch, chain: Chain, appended_at: int = 0) -> None:
        for command, outcome in zip(chain.commands, chain.outcomes, strict=True):
            if isinstance(outcome, Exception):
                command.fail(outcome)
            else:
                self.stats.decided += 1
                command.succeed(outcome.result, max(appended_at, batch.seen_by(command)))

    def _distrust(self, streams: Iterable[str]) -> None:
        """Load streams anew: something may have been appended that this process did not see."""
        for stream in streams:
            self._loader.forget(stream)

    # --- trying again ----------------------------------------------------------------------------

    def _meet_conflict(self, batch: Batch, conflict: VersionConflict) -> None:
        self.stats.conflicts += 1
        self._loader.mark_shared(conflict.stream)
        if conflict.actual < batch.loaded[conflict.stream].version:
            # Stored events are gone: the database was restored from a backup.
            self._loader.forget(conflict.stream)

    def _retry(self, chain: Chain, conflict: VersionConflict) -> None:
        for command in chain.commands:
            command.conflicts += 1
            command.needs_load = True
            if command.conflicts >= self._attempts:
                self.stats.given_up += 1
                command.fail(conflict)
        self._queue.put_back(chain.commands)

    def _give_up(self, commands: Sequence[Command], error: StoreUnavailable) -> None:
        """Answer with the error; if a deadline ended the batch, try those again who have time."""
        ended = current()
        if ended is None or not ended.passed:
            fail_all(commands, error)
        for command in commands:
            command.needs_load = True
        self._queue.put_back(commands)  # which answers those without time

    def _retry_alone(self, commands: Sequence[Command], error: Exception) -> None:
        """Commands whose batch failed are retried one by one, so that each gets its own answer."""
        if len(commands) == 1:
            fail_all(commands, error)
            return
        for command in commands:
            command.alone = command.needs_load = True
        self._queue.put_back(commands)

    async def _pause(self, conflicts: int) -> None:
        longest = self._pause_s * min(2 ** max(conflicts - 1, 0), _MAX_PAUSE)
        await asyncio.sleep(self._random.uniform(0, longest))

    # --- repeated commands -----------------------------------------------------------------------

    async def _settle_repeated(self, batch: Batch, chain: Chain, error: Exception) -> None:
        """Some event ids of the chain are stored: answer those commands, decide the others again.

        On remembered states, which may be outdated, a repeated command may decide differently. So
        the commands first decide again on loaded states.
        """
        if not all(command.needs_load for command in chain.commands):
            for command in chain.commands:
                command.needs_load = True
            self._queue.put_back(chain.commands)
            return
        try:
            outcomes = await self._repetitions.first_outcomes(chain.commands, error)
        except StoreUnavailable as failure:
            self._give_up(chain.commands, failure)
            return
        except Exception as failure:  # noqa: BLE001  it is the answer to the callers
            fail_all(chain.commands, failure)
            return
        if not outcomes:
            self._retry_alone(chain.commands, error)
            return
        for command, outcome in outcomes.items():
            if isinstance(outcome, Exception):
                command.fail(outcome)
            else:
                self.stats.repeated += 1
                command.succeed(outcome.result, batch.seen_by(command))
        self._queue.put_back(chain.commands)
