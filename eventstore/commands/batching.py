"""Commands that are asked for at the same moment share one load and one append.

On a stream that many want at once, such as the stock of a product in a sale, one command at a time
pays a load and a commit each, and with several processes most of them are overtaken and start
again. Here one group is under way at a time; whatever is asked for meanwhile forms the next one. A
lone command starts at once.

The commands of a group decide in turn, each on the states with the events of those before it. What
one refuses does not touch the others. Those that build on one another are stored all or none, so
nobody keeps an answer that rests on events that were never stored.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar, cast

from eventstore.codec import EventCodec
from eventstore.commands.folding import Fold, Loaded, States
from eventstore.commands.handler import CommandContext, CommandHandler, Decide, Decision, evolved
from eventstore.errors import DuplicateEventId, StoreUnavailable, VersionConflict
from eventstore.model import AppendResult, Expected, Metadata, NewEvent, StreamAppend
from eventstore.store import EventStore

R = TypeVar("R")

MOST_AT_ONCE: Final = 100
"""Commands in a group."""

NewEventOf = Callable[[Any, CommandContext, str, int], NewEvent]


def _as_it_is(metadata: Metadata) -> Metadata:
    return metadata


class GroupingHandler(CommandHandler):
    """A command handler that carries out the commands of one moment together.

    Args:
        store: where the streams live.
        codec: the stored form of the domain's events.
        stamp: completes the metadata of a command in its caller's context, such as with its trace.
        most: commands in a group.
        options: further ones of `CommandHandler`.
    """

    def __init__(
        self,
        store: EventStore,
        codec: EventCodec,
        *,
        stamp: Callable[[Metadata], Metadata] = _as_it_is,
        most: int = MOST_AT_ONCE,
        **options: Any,
    ) -> None:
        super().__init__(store, codec, **options)
        self._stamp = stamp
        self._most = most
        self._queue: deque[_Asked] = deque()
        self._runner: asyncio.Task[None] | None = None

    async def execute(
        self, folds: Mapping[str, Fold[Any]], decide: Decide[R], context: CommandContext
    ) -> R:
        """See `CommandHandler.execute`."""
        context = replace(context, metadata=self._stamp(context.metadata))
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.append(_Asked(folds, decide, context, answer))
        if self._runner is None:
            # Without any caller's context: the groups belong to nobody alone.
            self._runner = asyncio.create_task(
                self._run(), name="eventstore commands", context=Context()
            )
        return cast("R", await answer)

    async def close(self) -> None:
        """Wait for the commands and the snapshots that are under way."""
        if self._runner is not None:
            await asyncio.wait([self._runner])
        await super().close()

    # --- groups ----------------------------------------------------------------------------------

    async def _run(self) -> None:
        group: list[_Asked] = []
        try:
            while self._queue:
                group = self._take()
                await self._carry_out(group)
                # Those who were just answered may ask again: let them into the next group.
                await asyncio.sleep(0)
        finally:
            self._runner = None
            # Only if this task itself was cancelled, at the end of the process.
            for asked in (*group, *self._queue):
                asked.fail(StoreUnavailable("the process ended while the command was under way"))
            self._queue.clear()

    def _take(self) -> "list[_Asked]":
        group: list[_Asked] = []
        folds: dict[str, Fold[Any]] = {}
        while self._queue and len(group) < self._most:
            asked = self._queue[0]
            if any(folds.get(stream, fold) != fold for stream, fold in asked.folds.items()):
                break  # it sees a stream in another way than those before it
            self._queue.popleft()
            if not asked.answer.done():
                group.append(asked)
                folds.update(asked.folds)
        return group

    async def _carry_out(self, group: "Sequence[_Asked]") -> None:
        try:
            turn = await self._decide_in_turn(group)
        except StoreUnavailable as error:
            _fail(group, error)
        except Exception:  # noqa: BLE001  a stream cannot be read; each finds out for itself
            await self._one_by_one(group)
        else:
            overtaken = await self._store_all(turn)
            if overtaken:
                await self._pause(max(asked.overtaken for asked in overtaken))
                self._queue.extendleft(reversed(overtaken))

    async def _decide_in_turn(self, group: "Sequence[_Asked]") -> "_Turn":
        folds = {stream: fold for asked in group for stream, fold in asked.folds.items()}
        if not any(asked.overtaken for asked in group) and (known := self._trusted(folds)):
            turn = _Turn(folds, known, self._new_event, group)
            if turn.checked_by_append():
                return turn
        return _Turn(folds, await self._folder.load(folds) if folds else {}, self._new_event, group)

    # --- storing ---------------------------------------------------------------------------------

    async def _store_all(self, turn: "_Turn") -> "list[_Asked]":
        """Append what was decided and answer; returns those that somebody else overtook."""
        chains = [chain for chain in turn.chains if chain.events]
        for chain in turn.chains:
            if not chain.events:
                self._answer(chain)
        overtaken: list[_Asked] = []
        outcomes = await self._outcomes(turn, chains)
        for chain, outcome in zip(chains, outcomes, strict=True):
            overtaken += await self._settle(turn, chain, outcome)
        return overtaken

    async def _outcomes(
        self, turn: "_Turn", chains: "Sequence[_Chain]"
    ) -> list[AppendResult | Exception]:
        if len(chains) > 1:
            together = await self._appended(
                [one for chain in chains for one in turn.appends(chain)]
            )
            if not isinstance(together, VersionConflict | DuplicateEventId) and not (
                isinstance(together, AppendResult) and together.repeated
            ):
                return [together] * len(chains)
        if len(chains) == 1:
            return [await self._appended(turn.appends(chains[0]))]
        return await asyncio.gather(*(self._appended(turn.appends(chain)) for chain in chains))

    async def _appended(self, appends: Sequence[StreamAppend]) -> AppendResult | Exception:
        try:
            return await self._store.append(*appends)
        except Exception as error:  # noqa: BLE001  it is the outcome, told to those who asked
            return error

    async def _settle(
        self, turn: "_Turn", chain: "_Chain", outcome: AppendResult | Exception
    ) -> "Sequence[_Asked]":
        match outcome:
            case AppendResult(repeated=False):
                self._keep_states(turn, chain)
                self._answer(chain)
            case VersionConflict():
                self._overtaken(outcome, turn.known)
                return self._again(chain, outcome)
            case StoreUnavailable():
                self._doubt(chain.events)
                _fail(chain.asked, outcome)
            case _:
                self._doubt(chain.events)
                await self._one_by_one(chain.asked)
        return ()

    def _keep_states(self, turn: "_Turn", chain: "_Chain") -> None:
        for stream, events in chain.events.items():
            self._folder.appended(turn.folds[stream], turn.states[stream], len(events))

    def _answer(self, chain: "_Chain") -> None:
        for asked, outcome in zip(chain.asked, chain.outcomes, strict=True):
            if isinstance(outcome, Exception):
                asked.fail(outcome)
            else:
                self.stats.decided += 1
                asked.succeed(outcome.result)

    def _again(self, chain: "_Chain", conflict: VersionConflict) -> "list[_Asked]":
        again = []
        for asked in chain.asked:
            asked.overtaken += 1
            if asked.overtaken < self._attempts:
                again.append(asked)
            else:
                self.stats.given_up += 1
                asked.fail(conflict)
        return again

    # --- one by one ------------------------------------------------------------------------------

    async def _one_by_one(self, group: "Sequence[_Asked]") -> None:
        await asyncio.gather(*(self._alone(asked) for asked in group))

    async def _alone(self, asked: "_Asked") -> None:
        try:
            asked.succeed(await super().execute(asked.folds, asked.decide, asked.context))
        except DuplicateEventId as error:
            await self._carried_out_before(asked, error)
        except Exception as error:  # noqa: BLE001  it is the answer to this command's caller
            asked.fail(error)

    async def _carried_out_before(self, asked: "_Asked", error: DuplicateEventId) -> None:
        """A command whose events went into the log together with those of its neighbours."""
        try:
            answer = await self._first_decision(asked.folds, asked.decide, asked.context)
        except Exception as failure:  # noqa: BLE001  it is the answer to this command's caller
            asked.fail(failure)
        else:
            if answer is None:
                asked.fail(error)
            else:
                self.stats.repeated += 1
                asked.succeed(answer.result)


@dataclass(slots=True, eq=False)
class _Asked:
    """A command and where its caller waits; `overtaken` counts the conflicts so far."""

    folds: Mapping[str, Fold[Any]]
    decide: Decide[Any]
    context: CommandContext
    answer: asyncio.Future[Any]
    overtaken: int = 0

    def succeed(self, result: Any) -> None:
        if not self.answer.done():  # a caller that was cancelled does not want to know
            self.answer.set_result(result)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(slots=True, eq=False)
class _Chain:
    """Commands that build on one another, with their outcomes and the events of all of them."""

    asked: list[_Asked] = field(default_factory=list)
    outcomes: list[Decision[Any] | Exception] = field(default_factory=list)
    events: dict[str, list[NewEvent]] = field(default_factory=dict)

    def absorb(self, other: "_Chain") -> None:
        """Take in a chain that has no stream in common with this one."""
        self.asked += other.asked
        self.outcomes += other.outcomes
        self.events.update(other.events)


class _Turn:
    """A group's commands decide one after the other."""

    def __init__(
        self,
        folds: Mapping[str, Fold[Any]],
        known: States,
        new_event: NewEventOf,
        group: Sequence[_Asked],
    ) -> None:
        self.folds = folds
        self.known = known
        self.states = dict(known)
        self.chains: list[_Chain] = []
        self._new_event = new_event
        for asked in group:
            self._decide(asked)

    def checked_by_append(self) -> bool:
        """Whether appending what was decided checks every state that a command decided on."""
        return all(
            chain.events.keys() >= asked.folds.keys() and not isinstance(outcome, Exception)
            for chain in self.chains
            for asked, outcome in zip(chain.asked, chain.outcomes, strict=True)
        )

    def _decide(self, asked: _Asked) -> None:
        """Let one command decide on the states so far."""
        events: dict[str, list[NewEvent]] = {}
        changed: dict[str, Loaded[Any]] = {}
        outcome: Decision[Any] | Exception
        try:
            outcome = asked.decide({stream: self.states[stream] for stream in asked.folds})
            for stream, added in outcome.events.items():
                if added:
                    changed[stream] = evolved(self.states[stream], self.folds[stream], added)
                    events[stream] = [
                        self._new_event(event, asked.context, stream, index)
                        for index, event in enumerate(added)
                    ]
        except Exception as error:  # noqa: BLE001  it is the answer to this command's caller
            outcome, events, changed = error, {}, {}
        self.states.update(changed)
        chain = self._chain(asked)
        chain.asked.append(asked)
        chain.outcomes.append(outcome)
        for stream, added_events in events.items():
            chain.events.setdefault(stream, []).extend(added_events)

    def appends(self, chain: _Chain) -> list[StreamAppend]:
        """What is to be stored of a chain: at exactly the versions that were loaded."""
        return [
            StreamAppend(stream, self.known[stream].version or Expected.NO_STREAM, events)
            for stream, events in chain.events.items()
        ]

    def _chain(self, asked: _Asked) -> _Chain:
        """The chain of all whose events the command saw, a new one if it saw none."""
        seen = [chain for chain in self.chains if not chain.events.keys().isdisjoint(asked.folds)]
        if not seen:
            self.chains.append(_Chain())
            return self.chains[-1]
        first, *others = seen
        for other in others:
            first.absorb(other)
            self.chains.remove(other)
        return first


def _fail(group: Sequence[_Asked], error: Exception) -> None:
    for asked in group:
        asked.fail(error)
