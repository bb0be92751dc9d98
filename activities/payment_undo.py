"""Giving an order's money back, whatever had become of the charge.

The provider's state under the order's key decides, not ours: the answer to the charge may have
been lost. What the provider did and we had not recorded is recorded along with its undoing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from activities.aggregates import Work, folds, order_slot, payment_slot
from activities.context import command_context
from activities.keys import payment_keys, refund_key, void_key
from activities.messages import (
    NOTHING,
    NOTHING_FOR_GOOD,
    CompensationRequest,
    CompensationResult,
    OperatorAction,
)
from activities.ports import (
    GatewayError,
    GatewayRejected,
    PaymentGateway,
    PaymentStatus,
    ProviderPayment,
)
from domain import payment
from domain.commands import (
    PaymentCommand,
    RecordAuthorisation,
    RecordCapture,
    RecordDecline,
    RecordRefund,
    RecordVoid,
)
from domain.ids import OrderId
from domain.order_state import frozen_order
from domain.payment import PaymentState
from eventstore.handling import CommandHandler, Decision, Loaded


class PaymentUndo:
    """Voids or refunds, and records it."""

    def __init__(self, handler: CommandHandler, gateway: PaymentGateway) -> None:
        self._handler = handler
        self._gateway = gateway

    async def undo(self, request: CompensationRequest) -> CompensationResult:
        """Give the money back; a second time it finds nothing left to do.

        Raises:
            GatewayError: the provider could not be asked or refused, and no person has vouched.
        """
        try:
            answers = await self._give_back(request)
        except GatewayError:
            if request.settled_by is None:
                raise
            return await self._settle_by_hand(request, request.settled_by)
        if not answers:
            return CompensationResult(NOTHING)
        undone = await self._execute(request, [_undone_by(answer) for answer in answers])
        forbidden = answers[-1].status is PaymentStatus.FORBIDDEN
        return CompensationResult(NOTHING_FOR_GOOD if forbidden and undone == NOTHING else undone)

    async def _give_back(self, request: CompensationRequest) -> list[ProviderPayment]:
        """The order's payments at the provider after they were undone, oldest first.

        Where there is none, the provider is told not to make one any more: a charge may be on its
        way still.
        """
        undone: list[ProviderPayment] = []
        for key in payment_keys(request.order_id):
            made = await self._gateway.find(key) or await self._forbid(request.order_id, key)
            if made is None:
                break
            undone.append(await self._give_back_one(made))
            if undone[-1].status is not PaymentStatus.EXPIRED:
                break
        return undone

    async def _forbid(self, order_id: OrderId, key: str) -> ProviderPayment | None:
        slot = order_slot(order_id)
        known = await self._handler.load(slot.stream, slot.aggregate.fold)
        order = frozen_order(known.state)
        return await self._gateway.forbid(order_id, order.total, key) if order else None

    async def _give_back_one(self, made: ProviderPayment) -> ProviderPayment:
        try:
            return await self._give_back_as(made)
        except GatewayRejected:
            # A capture that was under way may have come first: then it is to be refunded. Or a
            # refund was: then only the rest is.
            now = await self._gateway.find(made.idempotency_key)
            if now is None or now == made:
                raise
            return await self._give_back_as(now)

    async def _give_back_as(self, made: ProviderPayment) -> ProviderPayment:
        if made.status is PaymentStatus.AUTHORISED:
            return await self._gateway.void(made.reference, void_key(made.order_id))
        if made.status is PaymentStatus.CAPTURED:
            rest = made.amount - made.refunded
            return await self._gateway.refund(made.reference, rest, refund_key(made.order_id))
        return made

    async def _settle_by_hand(
        self, request: CompensationRequest, by: OperatorAction
    ) -> CompensationResult:
        await self._execute(request, [lambda state: _by_hand(state, by)])
        return CompensationResult(f"settled by hand by {by.actor}")

    async def _execute(
        self,
        request: CompensationRequest,
        wanted: Sequence[Callable[[PaymentState], Sequence[PaymentCommand]]],
    ) -> str:
        slot = payment_slot(request.order_id)

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[str]:
            work = Work(loaded)
            for commands in wanted:
                work.tell(slot, *commands(work.state(slot)))
            return work.decision(_word(work.state(slot)))

        context = command_context(request.saga, "undone")
        return await self._handler.execute(folds(slot), decide, context)


def _undone_by(answer: ProviderPayment) -> Callable[[PaymentState], Sequence[PaymentCommand]]:
    return lambda state: _undone(answer, state)


def _undone(answer: ProviderPayment, state: PaymentState) -> list[PaymentCommand]:
    """What to record so that our payment stands where the provider's does."""
    order_id, key = answer.order_id, answer.idempotency_key
    match answer.status:
        case PaymentStatus.DECLINED if isinstance(state, payment.NoPayment):
            code = answer.decline_code or "declined"
            return [RecordDecline(order_id, answer.amount, code, key)]
        case PaymentStatus.VOIDED:
            authorised = RecordAuthorisation(order_id, answer.amount, answer.reference, key)
            missing = [authorised] if isinstance(state, payment.NoPayment) else []
            return [*missing, RecordVoid(order_id, answer.reference)]
        case PaymentStatus.EXPIRED if isinstance(state, payment.Authorised):
            known = state.reference == answer.reference
            return [RecordVoid(order_id, answer.reference)] if known else []
        case PaymentStatus.REFUNDED:
            return _refunded(answer, state)
        case _:
            return []


def _refunded(answer: ProviderPayment, state: PaymentState) -> list[PaymentCommand]:
    order_id, key = answer.order_id, answer.idempotency_key
    kept = answer.amount
    missing: list[PaymentCommand] = []
    if isinstance(state, payment.Captured):
        kept = state.refundable
    else:
        missing = [RecordCapture(order_id, answer.amount, answer.reference, key)]
    if kept.minor == 0:
        return missing
    return [*missing, RecordRefund(order_id, kept, answer.reference, refund_key(order_id))]


def _by_hand(state: PaymentState, by: OperatorAction) -> list[PaymentCommand]:
    """What to record on a person's word, as the provider cannot confirm it."""
    match state:
        case payment.Authorised():
            return [RecordVoid(state.order_id, state.reference)]
        case payment.Captured() if state.refundable.minor > 0:
            by_hand = f"by-hand:{by.actor}"
            return [RecordRefund(state.order_id, state.refundable, state.reference, by_hand)]
        case _:
            return []


def _word(state: PaymentState) -> str:
    match state:
        case payment.Voided():
            return "voided"
        case payment.Captured():
            return "refunded"
        case payment.Declined():
            return "declined"
        case _:
            return NOTHING
