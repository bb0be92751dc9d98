"""A circuit breaker: whether a provider may be called now, from what became of earlier calls.

Pure: it is told who calls, what became of the call, and the time. It is

    closed      every call is made
    open        no call is made until it is time to look; then one is
    recovering  one call at a time until one works that is like those that failed; then one more
                at once with each one that works

It opens when calls of several callers in a row have failed, at once when the provider refuses our
credentials or says when to come back. Reads and changes are counted apart: a provider that answers
questions and fails to charge is failing, not the other way round. What fails for one caller alone
says little about the provider, so one caller can neither keep it open nor open it twice: the others
look in its place.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

CALLERS: Final = 3
"""Calls of so many callers in a row fail: it opens."""
ALONE_S: Final = 60.0
ALONE_CALLS: Final = 5
"""So does it when all calls have failed for so long, so many at least, whoever made them."""
FIRST_PAUSE_S: Final = 5.0
LONGEST_PAUSE_S: Final = 30.0
"""Between two looks; doubled each time."""
LONGEST_WAIT_S: Final = 60.0
"""Nobody is sent away for longer, and no provider's wish to be left alone is obeyed for longer."""
QUIET_S: Final = 10.0
"""It closes when it has worked for so long without a failure."""
MANY: Final = 64
"""It closes when so many calls may be made at once."""

_UNPROVED_S: Final = 60.0  # the same if nobody makes a call like those that failed
_DISPROVED: Final = 100  # callers that are remembered


class Outcome(Enum):
    """What became of a call, as far as it says something about the provider.

    worked: it answered, whatever the answer was. refused: it does not accept our credentials.
    nothing: the call ended for another reason.
    """

    WORKED = "worked"
    FAILED = "failed"
    REFUSED = "refused"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Call:
    """A call that may be made; `turn` counts how often the breaker had opened before."""

    caller: str
    turn: int


@dataclass(slots=True)
class _Failures:
    """Failures of reads, or of changes, since one last worked."""

    since: float
    callers: set[str] = field(default_factory=set)
    calls: int = 0

    def add(self, caller: str) -> None:
        self.callers.add(caller)
        self.calls += 1

    def are_enough(self, now: float) -> bool:
        lasts = now - self.since >= ALONE_S and self.calls >= ALONE_CALLS
        return lasts or len(self.callers) >= CALLERS


@dataclass(frozen=True, slots=True)
class _Open:
    """`looker`: whose look has failed; another caller has the next one."""

    look_at: float
    looker: str

    def may_look(self, caller: str, now: float) -> bool:
        return now >= self.may_look_at(caller)

    def may_look_at(self, caller: str) -> float:
        return self.look_at + (2 * FIRST_PAUSE_S if caller == self.looker else 0)


@dataclass(slots=True)
class _Recovering:
    """`through`: whose calls have worked; they go on, so that no attempt stops half-way."""

    quiet_since: float
    most: int = 1
    running: int = 0
    proved: bool = False
    through: set[str] = field(default_factory=set)

    def admits(self, caller: str) -> bool:
        return self.running < self.most or caller in self.through


class Breaker:
    """Decides for one provider.

    Args:
        chance: a number from 0 to 1, for the jitter.

    Attributes:
        failing_since: when the failures began that opened it; None: it is closed.
        is_refused: whether it was opened because our credentials are not accepted.
        failed_at: when a call last failed that counts.
        worked_at: when one last worked while no kind of call failed; `works_since`: since when.
    """

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self.failing_since: float | None = None
        self.is_refused = False
        self.failed_at: float | None = None
        self.worked_at: float | None = None
        self.works_since: float | None = None
        self._chance = chance
        self._state: _Open | _Recovering | None = None
        self._turn = 0
        self._pause_s = FIRST_PAUSE_S
        self._failures: dict[bool, _Failures] = {}  # by whether the calls change something
        self._opened_by: str | None = None  # a single caller
        self._disproved: dict[str, None] = {}  # callers whose failures were theirs alone

    # --- before a call ---------------------------------------------------------------------------

    def admit(self, caller: str, now: float) -> Call | float:
        """The call, if it may be made now; otherwise the seconds after which to ask again."""
        self.look_at_time(now)
        if isinstance(self._state, _Open):
            if not self._state.may_look(caller, now):
                return self.wait_s(caller, now)
            self._state = _Recovering(now)
        if isinstance(self._state, _Recovering):
            if not self._state.admits(caller):
                return self.wait_s(caller, now)
            self._state.running += 1
        return Call(caller, self._turn)

    def wait_s(self, caller: str, now: float) -> float:
        """Seconds until it makes sense to ask again, with jitter: above 0, at most a minute."""
        match self._state:
            case _Open() as state:
                earliest = min(max(state.may_look_at(caller) - now, 0.5), LONGEST_WAIT_S)
                latest = min(earliest + self._pause_s, LONGEST_WAIT_S)
                earliest = min(earliest, latest - self._pause_s / 2)
            case _Recovering(proved=False):
                earliest, latest = 2.0, 2.0 + self._pause_s
            case _:
                earliest, latest = 1.0, 3.0
        return earliest + self._chance() * (latest - earliest)

    @property
    def is_open(self) -> bool:
        """Whether only a look may be made."""
        return isinstance(self._state, _Open)

    def look_at_time(self, now: float) -> None:
        """Close if nothing has failed for long enough."""
        if isinstance(self._state, _Recovering) and self._state.through:
            enough_s = QUIET_S if self._state.proved else _UNPROVED_S
            if now - self._state.quiet_since >= enough_s:
                self._close(self._state.through, now)

    # --- after a call ----------------------------------------------------------------------------

    def settle(
        self,
        call: Call,
        outcome: Outcome,
        now: float,
        *,
        changes: bool,
        retry_after_s: float | None = None,
    ) -> None:
        """Take what became of a call.

        Args:
            call: from `admit`; one from before it opened says nothing any more.
            outcome: what became of it.
            now: the time.
            changes: whether it was to change something.
            retry_after_s: when the provider wants to be asked again, if it failed.
        """
        if call.turn != self._turn:
            return
        if isinstance(self._state, _Recovering):
            self._state.running -= 1
        if outcome is Outcome.WORKED:
            self._take_success(call.caller, now, changes=changes)
        elif outcome is not Outcome.NOTHING:
            refused = outcome is Outcome.REFUSED
            at_once = refused or bool(retry_after_s)
            if self._take_failure(call.caller, now, changes=changes, at_once=at_once):
                self._open(call.caller, now, retry_after_s or 0.0, refused=refused)

    def _take_success(self, caller: str, now: float, *, changes: bool) -> None:
        if changes:  # which proves more than an answered question
            self._failures.clear()
        else:
            self._failures.pop(changes, None)
        self._disproved.pop(caller, None)
        works = not self._failures
        if works:
            self.worked_at = now
            self.works_since = self.works_since or now
        if isinstance(self._state, _Recovering):
            self._state.through.add(caller)
            if works:
                self._state.proved = True
                self._state.most += 1
                if self._state.most > MANY:
                    self._close(self._state.through, now)

    def _take_failure(self, caller: str, now: float, *, changes: bool, at_once: bool) -> bool:
        """Whether it opens because of this."""
        state = self._state
        is_look = isinstance(state, _Recovering) and not state.proved
        if caller in self._disproved and not is_look:
            return False
        failures = self._failures.setdefault(changes, _Failures(now))
        failures.add(caller)
        self.failed_at, self.works_since = now, None
        if not isinstance(state, _Recovering):
            return at_once or failures.are_enough(now)
        state.quiet_since = now
        state.most = max(1, state.most // 2)
        return is_look or at_once or len(failures.callers) > 1

    def _open(self, caller: str, now: float, retry_after_s: float, *, refused: bool) -> None:
        callers = set[str]().union(*(each.callers for each in self._failures.values()))
        if self.failing_since is None:
            self.failing_since = min(each.since for each in self._failures.values())
            self._opened_by = caller if callers == {caller} else None
        elif self._opened_by != caller:
            self._opened_by = None
        self.is_refused |= refused
        pause_s = self._pause_s * (0.8 + 0.4 * self._chance())
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        look_at = now + max(pause_s, min(retry_after_s, LONGEST_WAIT_S))
        self._state = _Open(look_at, caller)
        self._turn += 1

    def _close(self, through: set[str], now: float) -> None:
        self.worked_at = self.worked_at if self.works_since else now
        self.works_since = self.works_since or now
        alone = self._opened_by
        if alone is not None and alone not in through:
            self._disproved[alone] = None
            while len(self._disproved) > _DISPROVED:
                self._disproved.pop(next(iter(self._disproved)))
        self._failures.clear()
        self._state, self._opened_by, self._pause_s = None, None, FIRST_PAUSE_S
        self.failing_since, self.is_refused = None, False
