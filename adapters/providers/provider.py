"""A provider as this process sees it: every call to it passes here.

While it fails, a call is not made but answered at once: when to try again, and what the provider
said last. Only a look that is made now and then reaches the provider.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from activities.ports import GatewayError, GatewayRefusedAccess, GatewayUnavailable, OutcomeUnknown
from adapters.providers.breaker import LONGEST_WAIT_S, Breaker, Call, Outcome
from eventstore.deadline import current

INCIDENT_AFTER_S: Final = 10.0
"""What fails for a shorter time is no incident, unless our credentials are refused."""
RECENTLY_S: Final = 30.0
"""An incident begins soon after a failure, and ends when there was none for so long."""

_FAILURES: Final = (GatewayUnavailable, OutcomeUnknown, GatewayRefusedAccess)
"""Everything else that a gateway raises is an answer."""
_LATE_S: Final = 10.0  # after its time, somebody who was sent away counts as gone


@dataclass(frozen=True, slots=True)
class Condition:
    """How a provider does; times are ages in seconds.

    Attributes:
        provider: its name.
        failing_s: since when its calls fail; None: they do not.
        is_incident: they fail now, and for long enough that people should hear of it.
        is_refused: it does not accept our credentials.
        failed_s: when a call last failed; None: never.
        worked_s: when one last worked, while none like it failed; `works_s`: since when.
        failure: what it said last when it failed.
        waiting: how many callers were sent away and have not come back yet.
    """

    provider: str
    failing_s: float | None
    is_incident: bool
    is_refused: bool
    failed_s: float | None
    worked_s: float | None
    works_s: float | None
    failure: str
    waiting: int


class Provider:
    """Lets calls pass, or answers in the provider's place.

    Args:
        name: in errors and reports.
        breaker: decides.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        name: str,
        *,
        breaker: Breaker | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._breaker = breaker or Breaker()
        self._clock = clock
        self._failure = ""
        self._waiting: dict[str, float] = {}

    @asynccontextmanager
    async def calling(
        self, *, changes: bool, answers: tuple[type[GatewayError], ...] = ()
    ) -> AsyncIterator[None]:
        """One call; whoever makes it raises the port's errors inside.

        Args:
            changes: whether it is to change something.
            answers: errors that are answers here, although they look like failures.

        Raises:
            GatewayUnavailable: it was not made, because the provider fails.
            GatewayRefusedAccess: it was not made, because it does not accept our credentials.
        """
        deadline = current()
        call = self._admit(deadline.owner if deadline else "")
        try:
            yield
        except GatewayError as error:
            if isinstance(error, _FAILURES) and not isinstance(error, answers):
                self._fail(call, error, changes=changes)
            else:
                self._settle(call, Outcome.WORKED, changes=changes)
            raise
        except BaseException:
            self._settle(call, Outcome.NOTHING, changes=changes)
            raise
        self._settle(call, Outcome.WORKED, changes=changes)

    def condition(self) -> Condition:
        """How it does now."""
        now, breaker = self._clock(), self._breaker
        breaker.look_at_time(now)
        self._waiting = {who: until for who, until in self._waiting.items() if until > now}
        failing_s, failed_s = _age(breaker.failing_since, now), _age(breaker.failed_at, now)
        lasts = failing_s is not None and failing_s >= INCIDENT_AFTER_S
        is_recent = failed_s is not None and failed_s < RECENTLY_S
        return Condition(
            self.name,
            failing_s,
            is_recent and (lasts or breaker.is_refused),
            breaker.is_refused,
            failed_s,
            _age(breaker.worked_at, now),
            _age(breaker.works_since, now),
            self._failure,
            len(self._waiting),
        )

    def _admit(self, caller: str) -> Call:
        now = self._clock()
        call = self._breaker.admit(caller, now)
        if isinstance(call, Call):
            return call
        self._note_waiting(caller, now + call)
        text = f"{self.name}: not asked now, because it fails: {self._failure}"
        kind = GatewayRefusedAccess if self._breaker.is_refused else GatewayUnavailable
        raise kind(text, retry_after_s=call)

    def _settle(self, call: Call, outcome: Outcome, *, changes: bool) -> None:
        self._breaker.settle(call, outcome, self._clock(), changes=changes)
        if outcome is Outcome.WORKED:
            self._waiting.pop(call.caller, None)

    def _fail(self, call: Call, error: GatewayError, *, changes: bool) -> None:
        now, breaker = self._clock(), self._breaker
        refused = isinstance(error, GatewayRefusedAccess)
        outcome = Outcome.REFUSED if refused else Outcome.FAILED
        self._failure = str(error)
        breaker.settle(call, outcome, now, changes=changes, retry_after_s=error.retry_after_s)
        if breaker.is_open and not isinstance(error, OutcomeUnknown):
            error.retry_after_s = breaker.wait_s(call.caller, now)
        self._note_waiting(call.caller, now + (error.retry_after_s or LONGEST_WAIT_S))

    def _note_waiting(self, caller: str, until: float) -> None:
        if caller:
            self._waiting[caller] = until + _LATE_S


def _age(at: float | None, now: float) -> float | None:
    return None if at is None else max(now - at, 0.0)
