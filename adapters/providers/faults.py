"""Injected faults: what goes wrong in fakes and sandboxes, and when."""

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
    """Answers 401 and does nothing, as with wrong credentials."""
    INVALID = "invalid"
    """Answers 400 and does nothing, as to a request that can never succeed."""
    SERVER_ERROR = "server_error"
    """Answers 500 and does nothing; the caller cannot know that."""
    SAVED_ERROR = "saved_error"
    """Answers 500, now and whenever the key comes again; does nothing."""
    REQUEST_LOST = "request_lost"
    """Drops the connection and does nothing; the caller cannot know that."""
    ANSWER_LOST = "answer_lost"
    """Does the work, then drops the connection."""
    GARBAGE = "garbage"
    """Does the work, then sends an invalid answer."""
    DELAY_BEFORE = "delay_before"
    """Waits `delay_s` before the work."""
    DELAY_AFTER = "delay_after"
    """Waits `delay_s` between the work and the answer."""
    HOLD_BEFORE = "hold_before"
    """Waits before the work until the fault is removed, or `delay_s` if that is not 0."""
    HOLD_AFTER = "hold_after"
    """Waits between the work and the answer, like HOLD_BEFORE."""
    DECLINED = "declined"
    """Captures only: the bank declines; the authorisation stays valid."""
    EXPIRED = "expired"
    """Captures only: the authorisation has expired."""
    SAVED_ERROR_AFTER = "saved_error_after"
    """Stripe only: does the work, then answers 500, which stays the answer of the key."""
    IN_WORK = "in_work"
    """Stripe only: answers 409 and does nothing, as if the key were in use at this moment."""
    RATE_LIMITED = "rate_limited"
    """Stripe only: answers 429 and does nothing; Retry-After is `delay_s` if that is not 0."""
    LOCKED = "locked"
    """Stripe only: answers 429 `lock_timeout` and does nothing."""
    HUGE_ANSWER = "huge_answer"
    """Stripe only: does the work, then sends an answer of many megabytes."""
    PROCESSING = "processing"
    """Stripe only, of charges: the bank takes `delay_s` of the account's time, 0 for a day."""
    REFUND_PENDING = "refund_pending"
    """Refunds only: the bank takes its time; later looks find it pending while the fault lasts."""
    REFUND_FAILED = "refund_failed"
    """Refunds only: the bank gives the money back to us; also hits later looks at a pending one."""
    REFUND_ACTION = "refund_action"
    """Refunds only: the customer must say where the money goes, while the fault lasts."""


WAITS_BEFORE: Final = frozenset({FaultKind.DELAY_BEFORE, FaultKind.HOLD_BEFORE})
WAITS_AFTER: Final = frozenset({FaultKind.DELAY_AFTER, FaultKind.HOLD_AFTER})
STRIPE_ONLY: Final = frozenset(
    {
        FaultKind.SAVED_ERROR_AFTER,
        FaultKind.IN_WORK,
        FaultKind.RATE_LIMITED,
        FaultKind.LOCKED,
        FaultKind.HUGE_ANSWER,
        FaultKind.PROCESSING,
    }
)
FAILS_AFTER: Final = frozenset(
    {
        FaultKind.ANSWER_LOST,
        FaultKind.GARBAGE,
        FaultKind.SAVED_ERROR_AFTER,
        FaultKind.HUGE_ANSWER,
    }
)
BANK_ON_REFUNDS: Final = frozenset(
    {FaultKind.REFUND_PENDING, FaultKind.REFUND_FAILED, FaultKind.REFUND_ACTION}
)
BANK_DECISIONS: Final = BANK_ON_REFUNDS | {
    FaultKind.DECLINED,
    FaultKind.EXPIRED,
    FaultKind.PROCESSING,
}
FAILS_BEFORE: Final = (
    frozenset(FaultKind) - WAITS_BEFORE - WAITS_AFTER - FAILS_AFTER - BANK_DECISIONS
)
HOLDS: Final = frozenset({FaultKind.HOLD_BEFORE, FaultKind.HOLD_AFTER})


@dataclass(frozen=True, slots=True)
class Fault:
    """An injected fault.

    Attributes:
        kind: what goes wrong.
        operation: which calls it hits: ``create``, ``confirm``, ``claim``, ``read``, ``find``,
            ``capture``, ``void``, ``refund``, ``refunds``, ``read_refund``, ``buy_label``,
            ``cancel_label``, ``list``, or a pattern such as ``*``.
        order: which orders it hits: an order id or a pattern; listings belong to no order.
        rate: fraction of the matching calls that it hits, 0 to 1.
        times: the total number of calls that it hits; None for no limit.
        delay_s: seconds to wait, for kinds that wait.
    """

    kind: FaultKind
    operation: str = "*"
    order: str = "*"
    rate: float = 1.0
    times: int | None = None
    delay_s: float = 0.0

    def matches(self, operation: str, order_id: str) -> bool:
        """Whether this fault applies to such a call."""
        return fnmatchcase(operation, self.operation) and fnmatchcase(order_id, self.order)


@dataclass(slots=True)
class ActiveFault:
    """An active fault: its number, how often it hit, how many calls it currently holds."""

    number: int
    fault: Fault
    hits: int = 0
    holding: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def used_up(self) -> bool:
        """Whether it has hit `times` calls."""
        return self.fault.times is not None and self.hits >= self.fault.times

    async def wait(self) -> None:
        """Wait as long as the fault says, or until it is released."""
        limit = self.fault.delay_s or None if self.fault.kind in HOLDS else self.fault.delay_s
        self.holding += 1
        try:
            async with asyncio.timeout(limit):
                await self.released.wait()
        except TimeoutError:
            return  # the delay is over: the call continues
        finally:
            self.holding -= 1


class FaultPlan:
    """The active faults.

    If a fault has a rate, only the seed, the key of the call and the number of attempts with that
    key decide whether it hits: the same orders get the same faults, however calls interleave.
    """

    def __init__(self, faults: Sequence[Fault] = (), seed: int = 0) -> None:
        self._seed = seed
        self._active: dict[int, ActiveFault] = {}
        self._next = 1
        self._attempts: Counter[tuple[str, str]] = Counter()
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> ActiveFault:
        """Activate a fault."""
        active = ActiveFault(self._next, fault)
        self._active[active.number] = active
        self._next += 1
        return active

    def remove(self, number: int) -> bool:
        """Remove a fault and release the calls that it holds; False if there is no such fault."""
        active = self._active.pop(number, None)
        if active is None:
            return False
        active.released.set()
        return True

    def clear(self) -> None:
        """Remove all faults and release all calls."""
        for number in list(self._active):
            self.remove(number)

    def active(self) -> tuple[ActiveFault, ...]:
        """The faults that were added and not removed, including those that are used up."""
        return tuple(self._active.values())

    def hit(self, operation: str, order_id: str, key: str) -> tuple[ActiveFault, ...]:
        """The faults that hit this call; each of them counts it."""
        self._attempts[operation, key] += 1
        others = frozenset(FaultKind) - BANK_DECISIONS
        return self._hits(others, operation, order_id, key)

    def bank_decision(self, operation: str, order_id: str, key: str) -> FaultKind | None:
        """The injected decision of the bank on this call; None without one."""
        fault = self.bank_fault(operation, order_id, key)
        return fault.kind if fault else None

    def bank_fault(self, operation: str, order_id: str, key: str) -> Fault | None:
        """The fault by which the bank decides on this call; None without one."""
        kinds = BANK_DECISIONS - BANK_ON_REFUNDS
        if operation == "refund":
            kinds = BANK_ON_REFUNDS
        hits = self._hits(kinds, operation, order_id, key)
        return hits[0].fault if hits else None

    def _hits(
        self, kinds: frozenset[FaultKind], operation: str, order_id: str, key: str
    ) -> tuple[ActiveFault, ...]:
        attempt = self._attempts[operation, key]
        hits = []
        for active in self._active.values():
            if active.fault.kind not in kinds:
                continue
            if active.used_up or not active.fault.matches(operation, order_id):
                continue
            if self._is_drawn(active, operation, key, attempt):
                active.hits += 1
                hits.append(active)
        return tuple(hits)

    def _is_drawn(self, active: ActiveFault, operation: str, key: str, attempt: int) -> bool:
        if active.fault.rate >= 1.0:
            return True
        seed = f"{self._seed}/{active.number}/{operation}/{key}/{attempt}"
        return random.Random(seed).random() < active.fault.rate  # noqa: S311  not a secret


async def delay_and_fail_before(hits: Sequence[ActiveFault]) -> FaultKind | None:
    """Wait for the delays before the work; returns the fault that then fails the call, if any."""
    return await _delay_and_fail(hits, WAITS_BEFORE, FAILS_BEFORE)


async def delay_and_fail_after(hits: Sequence[ActiveFault]) -> FaultKind | None:
    """Wait for the delays after the work; returns the fault that then spoils the answer, if any."""
    return await _delay_and_fail(hits, WAITS_AFTER, FAILS_AFTER)


async def _delay_and_fail(
    hits: Sequence[ActiveFault], waits: frozenset[FaultKind], fails: frozenset[FaultKind]
) -> FaultKind | None:
    for hit in hits:
        if hit.fault.kind in waits:
            await hit.wait()
    return next((hit.fault.kind for hit in hits if hit.fault.kind in fails), None)
