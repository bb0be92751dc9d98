"""The return cases of an order, and how they follow from its events."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from domain.errors import ImpossibleHistory
from domain.ids import ReturnId, Sku
from domain.money import Money, total
from domain.returns.events import (
    RefundDenied,
    RefundGranted,
    RestockDecided,
    ReturnAttentionRequired,
    ReturnClosed,
    ReturnEvent,
    ReturnOpened,
    ReturnOperatorActed,
    ReturnRefunded,
    ReturnRestocked,
)
from domain.returns.values import CaseProgress, ReturnedLine, ReturnKind


@dataclass(frozen=True, slots=True)
class ReturnCase(CaseProgress):
    """One case; `everything`: it was opened for all pieces that were left to return."""

    return_id: ReturnId
    kind: ReturnKind
    lines: tuple[ReturnedLine, ...]
    everything: bool

    @property
    def price(self) -> Money:
        """What was paid for the pieces."""
        return total((line.amount for line in self.lines), self.lines[0].unit_price.currency)


@dataclass(frozen=True, slots=True)
class ReturnsState:
    """All cases of an order, in the order in which they were opened."""

    cases: Mapping[ReturnId, ReturnCase] = field(default_factory=dict)

    @property
    def returned(self) -> Counter[Sku]:
        """Pieces that are in any case, by SKU."""
        pieces: Counter[Sku] = Counter()
        for case in self.cases.values():
            pieces.update({line.sku: line.quantity for line in case.lines})
        return pieces

    def granted(self, currency: str) -> Money:
        """The sum of all granted refunds."""
        return total((case.refund for case in self.cases.values() if case.refund), currency)


INITIAL: Final = ReturnsState()


def evolve(state: ReturnsState, event: ReturnEvent) -> ReturnsState:
    """The state after an event; raises ImpossibleHistory if it cannot follow on `state`."""
    if isinstance(event, ReturnOpened):
        return _opened(state, event)
    case = state.cases.get(event.return_id)
    if case is None:
        raise ImpossibleHistory(event, state)
    return _with(state, _changed(case, event))


def _opened(state: ReturnsState, event: ReturnOpened) -> ReturnsState:
    if event.return_id in state.cases:
        raise ImpossibleHistory(event, state)
    return _with(state, ReturnCase(event.return_id, event.kind, event.lines, event.everything))


def _with(state: ReturnsState, case: ReturnCase) -> ReturnsState:
    return replace(state, cases={**state.cases, case.return_id: case})


_Change = (
    RefundGranted
    | RefundDenied
    | RestockDecided
    | ReturnRefunded
    | ReturnRestocked
    | ReturnAttentionRequired
    | ReturnOperatorActed
    | ReturnClosed
)


def _changed(case: ReturnCase, event: _Change) -> ReturnCase:
    match event:
        case RefundGranted():
            return replace(case, refund=event.amount)
        case RefundDenied():
            return replace(case, refund=Money.zero(case.lines[0].unit_price.currency))
        case RestockDecided():
            return replace(case, restock=event.pieces)
        case ReturnRefunded():
            return replace(case, refund_reference=event.refund_reference)
        case ReturnRestocked():
            return replace(case, restocked=True)
        case ReturnClosed():
            return replace(case, closed=True)
        case ReturnAttentionRequired() | ReturnOperatorActed():
            return case
        case _:
            assert_never(event)
