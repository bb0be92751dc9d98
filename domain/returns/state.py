"""The return cases of an order, and how they follow from its events."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from domain.errors import ImpossibleHistory
from domain.ids import LineId, ReturnId, Sku
from domain.lines import LineShare, pieces_by_line
from domain.money import Money, total
from domain.returns import events
from domain.returns.values import CaseProgress, ReturnKind
from domain.shares import gift_card_of, total_of


@dataclass(frozen=True, slots=True)
class ReturnCase(CaseProgress):
    """One case; `everything`: it was opened for all pieces that were left to return."""

    return_id: ReturnId
    kind: ReturnKind
    lines: tuple[LineShare, ...]
    everything: bool

    @property
    def currency(self) -> str:
        """The order's currency."""
        return self.lines[0].amount.currency

    @property
    def price(self) -> Money:
        """What was paid for the pieces through the payment provider."""
        return total_of(self.lines, self.currency)

    @property
    def gift_card(self) -> Money:
        """What a gift card paid for the pieces."""
        return gift_card_of(self.lines, self.currency)

    @property
    def skus(self) -> dict[LineId, Sku]:
        """The SKU of each line of goods."""
        return {line.line_id: line.sku for line in self.lines if line.sku is not None}


@dataclass(frozen=True, slots=True)
class ReturnsState:
    """All cases of an order, in the order in which they were opened."""

    cases: Mapping[ReturnId, ReturnCase] = field(default_factory=dict)

    @property
    def returned(self) -> Counter[LineId]:
        """Pieces that are in any case, by line."""
        return pieces_by_line(line for case in self.cases.values() for line in case.lines)

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


_RefundEvent = (
    events.RefundGranted
    | events.RefundDenied
    | events.ReturnRefunded
    | events.ReturnRefundPending
    | events.ReturnRefundFailed
)


def _changed(case: ReturnCase, event: events.CaseEvent) -> ReturnCase:
    if isinstance(event, _RefundEvent):
        return _refund_changed(case, event)
    match event:
        case events.RestockDecided():
            return replace(case, restock=event.pieces)
        case events.ReturnRestocked():
            return replace(case, restocked=True)
        case events.ReturnClosed():
            return replace(case, closed=True)
        case events.ReturnAttentionRequired() | events.ReturnOperatorActed():
            return case
        case _:
            assert_never(event)


def _refund_changed(case: ReturnCase, event: _RefundEvent) -> ReturnCase:
    match event:
        case events.RefundGranted():
            return replace(case, refund=event.amount)
        case events.RefundDenied():
            return replace(case, refund=Money.zero(case.currency))
        case events.ReturnRefunded():
            return replace(case, refund_reference=event.refund_reference, pending=None)
        case events.ReturnRefundPending():
            return replace(case, pending=event.refund_reference)
        case events.ReturnRefundFailed():
            return replace(case, pending=None, failed=event.refund_reference)
        case _:
            assert_never(event)
