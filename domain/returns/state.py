"""The return cases of an order, and how they follow from its events."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from domain.errors import ImpossibleHistory
from domain.ids import ReturnId, Sku
from domain.money import Money, total
from domain.returns import events
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


def evolve(state: ReturnsState, event: events.ReturnEvent) -> ReturnsState:
    """The state after an event; raises ImpossibleHistory if it cannot follow on `state`."""
    if isinstance(event, events.ReturnOpened):
        return _opened(state, event)
    case = state.cases.get(event.return_id)
    if case is None:
        raise ImpossibleHistory(event, state)
    return _with(state, _changed(case, event))


def _opened(state: ReturnsState, event: events.ReturnOpened) -> ReturnsState:
    if event.return_id in state.cases:
        raise ImpossibleHistory(event, state)
    return _with(state, ReturnCase(event.return_id, event.kind, event.lines, event.everything))


def _with(state: ReturnsState, case: ReturnCase) -> ReturnsState:
    return replace(state, cases={**state.cases, case.return_id: case})


def _changed(case: ReturnCase, event: events.CaseEvent) -> ReturnCase:
    match event:
        case events.RefundGranted():
            return replace(case, refund=event.amount)
        case events.RefundDenied():
            return replace(case, refund=Money.zero(case.lines[0].unit_price.currency))
        case events.RestockDecided():
            return replace(case, restock=event.pieces)
        case events.ReturnRefunded():
            return replace(case, refund_reference=event.refund_reference)
        case events.ReturnRestocked():
            return replace(case, restocked=True)
        case events.ReturnClosed():
            return replace(case, closed=True)
        case events.ReturnAttentionRequired() | events.ReturnOperatorActed():
            return case
        case _:
            assert_never(event)
