"""Failures on purpose: one way, for fakes and sandboxes, to say what goes wrong and when."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final


class FaultKind(StrEnum):
    """What goes wrong with a call."""

    UNAVAILABLE = "unavailable"
    """Answers 503 and does nothing."""
    REJECTED = "rejected"
    """Answers 401 and does nothing, as for wrong credentials."""
    SERVER_ERROR = "server_error"
    """Answers 500 and does nothing; the caller cannot know that."""
    REQUEST_LOST = "request_lost"
    """Drops the connection and does nothing; the caller cannot know that."""
    ANSWER_LOST = "answer_lost"
    """Does the work, then drops the connection."""
    GARBAGE = "garbage"
    """Does the work, then answers something unreadable."""
    DELAY_BEFORE = "delay_before"
    """Waits `delay_s` before the work."""
    DELAY_AFTER = "delay_after"
    """Waits `delay_s` between the work and the answer."""
    HOLD_BEFORE = "hold_before"
    """Waits before the work until the fault is removed, or `delay_s` if that is not 0."""
    HOLD_AFTER = "hold_after"
    """Waits between the work and the answer, as HOLD_BEFORE."""
    DECLINED = "declined"
    """Captures only: the bank says no; the authorisation stands."""
    EXPIRED = "expired"
    """Captures only: the authorisation had expired by then."""


WAITS_BEFORE: Final = frozenset({FaultKind.DELAY_BEFORE, FaultKind.HOLD_BEFORE})
WAITS_AFTER: Final = frozenset({FaultKind.DELAY_AFTER, FaultKind.HOLD_AFTER})
FAILS_AFTER: Final = frozenset({FaultKind.ANSWER_LOST, FaultKind.GARBAGE})
FATES: Final = frozenset({FaultKind.DECLINED, FaultKind.EXPIRED})
FAILS_BEFORE: Final = frozenset(FaultKind) - WAITS_BEFORE - WAITS_AFTER - FAILS_AFTER - FATES
HOLDS: Final = frozenset({FaultKind.HOLD_BEFORE, FaultKind.HOLD_AFTER})


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure on purpose.

    Attributes:
        kind: what goes wrong.
        operation: which calls it hits: ``charge``, ``find``, ``capture``, ``void``, ``refund``,
            ``buy_label``, ``cancel_label``, ``list``, or a pattern such as ``*``.
        order: which orders it hits: an order id or a pattern; reads of the ledger belong to none.
        rate: share of matching calls that it hits, 0 to 1.
        times: how many calls it hits in all; None for ever.
        delay_s: seconds to wait, for the kinds that wait.
    """

    kind: FaultKind
    operation: str = "*"
    order: str = "*"
    rate: float = 1.0
    times: int | None = None
    delay_s: float = 0.0

    def matches(self, operation: str, order_id: str) -> bool:
        """Whether a call is one of those this fault is meant for."""
        return fnmatchcase(operation, self.operation) and fnmatchcase(order_id, self.order)


@dataclass(slots=True)
class ActiveFault:
    """A fault that was set: its number, how often it hit, how many calls it holds right now."""

    number: int
    fault: Fault
    hits: int = 0
    holding: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def used_up(self) -> bool:
        """Whether it has hit as often as it may."""
        return self.fault.times is not None and self.hits >= self.fault.times

    async def wait(self) -> None:
        """Wait as the fault says; a released fault no longer waits."""
        limit = self.fault.delay_s or None if self.fault.kind in HOLDS else self.fault.delay_s
        self.holding += 1
        try:
            async with asyncio.timeout(limit):
                await self.released.wait()
        except TimeoutError:
            return  # the time was up: the call goes on
        finally:
            self.holding -= 1


class FaultPlan:
    """The faults in force.

    Whether a fault with a rate hits depends on the seed, the call's key and how often that key was
    tried, and on nothing else: the same orders meet the same failures however calls interleave.
    """

    def __init__(self, faults: Sequence[Fault] = (), seed: int = 0) -> None:
        self._seed = seed
        self._active: dict[int, ActiveFault] = {}
        self._next = 1
        self._tries: Counter[tuple[str, str]] = Counter()
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> ActiveFault:
        """Put a fault in force."""
        active = ActiveFault(self._next, fault)
        self._active[active.number] = active
        self._next += 1
        return active

    def remove(self, number: int) -> bool:
        """Take a fault back and let go the calls it holds; False if there is no such fault."""
        active = self._active.pop(number, None)
        if active is None:
            return False
        active.released.set()
        return True

    def clear(self) -> None:
        """Take all faults back and let go all calls."""
        for number in list(self._active):
            self.remove(number)

    def active(self) -> tuple[ActiveFault, ...]:
        """The faults that were set and not taken back, those used up included."""
        return tuple(self._active.values())

    def strike(self, operation: str, order_id: str, key: str) -> tuple[ActiveFault, ...]:
        """The faults that hit this call; each counts the hit."""
        self._tries[operation, key] += 1
        others = frozenset(FaultKind) - FATES
        return self._hits(others, operation, order_id, key)

    def fate(self, operation: str, order_id: str, key: str) -> FaultKind | None:
        """How the bank decides this call on purpose, None to let it take its course."""
        hits = self._hits(FATES, operation, order_id, key)
        return hits[0].fault.kind if hits else None

    def _hits(
        self, kinds: frozenset[FaultKind], operation: str, order_id: str, key: str
    ) -> tuple[ActiveFault, ...]:
        attempt = self._tries[operation, key]
        hits = []
        for active in self._active.values():
            if active.fault.kind not in kinds:
                continue
            if active.used_up or not active.fault.matches(operation, order_id):
                continue
            if self._drawn(active, operation, key, attempt):
                active.hits += 1
                hits.append(active)
        return tuple(hits)

    def _drawn(self, active: ActiveFault, operation: str, key: str, attempt: int) -> bool:
        if active.fault.rate >= 1.0:
            return True
        seed = f"{self._seed}/{active.number}/{operation}/{key}/{attempt}"
        return random.Random(seed).random() < active.fault.rate  # noqa: S311  chance, no secret


async def endure_before(hits: Sequence[ActiveFault]) -> FaultKind | None:
    """Wait out what delays the call before its work; returns what makes it fail there, if any."""
    return await _endure(hits, WAITS_BEFORE, FAILS_BEFORE)


async def endure_after(hits: Sequence[ActiveFault]) -> FaultKind | None:
    """Wait out what delays the answer; returns what spoils it, if anything."""
    return await _endure(hits, WAITS_AFTER, FAILS_AFTER)


async def _endure(
    hits: Sequence[ActiveFault], waits: frozenset[FaultKind], fails: frozenset[FaultKind]
) -> FaultKind | None:
    for hit in hits:
        if hit.fault.kind in waits:
            await hit.wait()
    return next((hit.fault.kind for hit in hits if hit.fault.kind in fails), None)
