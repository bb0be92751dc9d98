"""A simulated crowd of sagas before a breaker: nobody sleeps, the clock jumps."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from adapters.providers.breaker import Breaker, Call, Outcome

CALL_S = 0.2
SILENT_S = 5.0
LONGEST_PAUSE_S = 60.0


@dataclass
class Saga:
    """Calls until it has worked `calls` times in a row; a failure begins its attempt again."""

    name: str
    calls: int = 2
    worked: int = 0
    attempts: int = 0
    ended_at: float | None = None


@dataclass
class Crowd:
    """Sagas that retry as the workflow's policy says, or when the breaker says so.

    Attributes:
        answer: what becomes of a call of a saga at a time; the second is whether it changes.
        made: times at which calls reached the provider, with who made them.
        told: how long anybody was sent away.
        most_at_once: calls that ran at the same time, at most, since `forget_most`.
    """

    answer: Callable[[Saga, float, bool], Outcome]
    breaker: Breaker
    chance: random.Random
    retry_after_s: float | None = None
    made: list[tuple[float, str]] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    running: int = 0
    _order: "count[int]" = field(default_factory=count)
    _due: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)

    def add(self, saga: Saga, at: float) -> None:
        self._at(at, lambda now: self._call(saga, now))

    def run(self, until: float) -> None:
        while self._due and self._due[0][0] <= until:
            now, _, act = heapq.heappop(self._due)
            act(now)

    def _at(self, at: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._due, (at, next(self._order), act))

    def _call(self, saga: Saga, now: float) -> None:
        call = self.breaker.admit(saga.name, now)
        if not isinstance(call, Call):
            self.told.append(call)
            self._again(saga, now, call)
            return
        self.made.append((now, saga.name))
        self.running += 1
        changes = saga.worked > 0  # it looks first, then changes something
        outcome = self.answer(saga, now, changes)
        takes_s = SILENT_S if outcome is Outcome.NOTHING else CALL_S * self.chance.uniform(0.5, 2)
        silent = outcome is Outcome.NOTHING
        became = Outcome.FAILED if silent else outcome
        self._at(now + takes_s, lambda then: self._settle(saga, call, became, then, changes))

    def _settle(self, saga: Saga, call: Call, outcome: Outcome, now: float, changes: bool) -> None:
        self.running -= 1
        told_s = self.retry_after_s if outcome is Outcome.FAILED else None
        self.breaker.settle(call, outcome, now, changes=changes, retry_after_s=told_s)
        if outcome is Outcome.WORKED:
            saga.worked += 1
            if saga.worked == saga.calls:
                saga.ended_at = now
            else:
                self._call(saga, now)
            return
        pause_s = min(0.5 * 2 ** min(saga.attempts, 10), LONGEST_PAUSE_S)
        self._again(
            saga, now, self.breaker.wait_s(saga.name, now) if self.breaker.is_open else pause_s
        )

    def _again(self, saga: Saga, now: float, pause_s: float) -> None:
        saga.worked, saga.attempts = 0, saga.attempts + 1
        self.add(saga, now + pause_s)
