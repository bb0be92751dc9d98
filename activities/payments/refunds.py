"""Giving money back: compensation of a payment, amended orders, returns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from temporalio import activity

from activities.failures import refused, translated
from activities.keys import (
    amendment_refund_key,
    payment_keys,
    refund_key,
    return_refund_key,
    void_key,
)
from activities.messages import (
    NOTHING,
    NOTHING_FOR_GOOD,
    CompensationRequest,
    CompensationResult,
    OperatorAction,
    SettlePayment,
)
from activities.ports import (
    GatewayError,
    GatewayRejected,
    PaymentGateway,
    PaymentStatus,
    ProviderPayment,
)
from activities.returns.messages import CaseRequest, CaseView
from activities.returns.rules import known_case, view_of
from activities.unit_of_work import (
    Work,
    command_context,
    folds,
    order_slot,
    payment_slot,
    read,
    returns_slot,
)
from domain.ids import OrderId
from domain.money import Money
from domain.order.state import FrozenOrder, frozen_order
from domain.payment import payment
from domain.payment.commands import (
    PaymentCommand,
    RecordAuthorisation,
    RecordCapture,
    RecordDecline,
    RecordRefund,
    RecordVoid,
)
from domain.payment.payment import Captured, PaymentState
from domain.returns.commands import RecordReturnRefund
from domain.values import Reason
from eventstore.commands.folding import Loaded
from eventstore.commands.handler import CommandHandler, Decision


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


class Settling:
    """Refunds the difference, and records it."""

    def __init__(self, handler: CommandHandler, gateway: PaymentGateway) -> None:
        self._handler = handler
        self._gateway = gateway

    async def settle(
        self, request: SettlePayment, order: FrozenOrder, known: Captured
    ) -> CompensationResult:
        """Give the difference back; a second time it finds nothing left to do.

        Raises:
            GatewayError: the provider could not be asked or refused, and no person has vouched.
        """
        reference = amendment_refund_key(order.order_id, order.total)
        try:
            await self._give_back(known, order.total, reference)
        except GatewayError:
            if request.settled_by is None:
                raise
            reference = f"by-hand:{request.settled_by.actor}:{order.total.minor}"
        await self._record(request, order.total, reference)
        return CompensationResult("refunded")

    async def _give_back(self, known: Captured, total: Money, key: str) -> None:
        """What the provider has given back so far decides, not what we have recorded."""
        made = await self._gateway.find(known.idempotency_key)
        refunded = made.refunded if made else known.refunded
        rest = known.amount - refunded - total
        if rest.minor > 0:
            await self._gateway.refund(known.reference, rest, key)

    async def _record(self, request: SettlePayment, total: Money, reference: str) -> None:
        slot = payment_slot(request.order_id)

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[None]:
            work = Work(loaded)
            known = work.state(slot)
            if isinstance(known, Captured) and total < known.refundable:
                owed = known.refundable - total
                work.tell(slot, RecordRefund(request.order_id, owed, known.reference, reference))
            return work.decision(None)

        await self._handler.execute(folds(slot), decide, command_context(request.saga, "settled"))


class ReturnRefundActivities:
    """Give money back for returned, lost or undelivered goods."""

    def __init__(self, handler: CommandHandler, gateway: PaymentGateway) -> None:
        self._handler = handler
        self._gateway = gateway

    @activity.defn
    async def refund_return(self, request: CaseRequest) -> CaseView:
        """Give back what was granted, and record it for the payment and the case in one append.

        Raises:
            ApplicationError: unavailable or unknown_outcome, to be tried again; a refusal of the
                provider, for a person to look at.
        """
        returns, paid = returns_slot(request.order_id), payment_slot(request.order_id)
        with translated(Reason.PAYMENT_UNAVAILABLE):
            known = await read(self._handler, returns, paid)
            case = known_case(known, request.order_id, request.return_id)
            if not case.refund_is_due or case.refund is None:
                return view_of(known, request.order_id, request.return_id)
            captured = known.state(paid)
            if not isinstance(captured, payment.Captured):
                raise refused(Reason.NOT_FULFILLABLE, "there is no captured money to give back")
            reference = await self._give_back(request, captured, case.refund)
            return await self._record(request, captured, reference)

    async def _give_back(
        self, request: CaseRequest, captured: payment.Captured, amount: Money
    ) -> str:
        """What the refund is known by: its key, or the name of who settled it by hand."""
        key = return_refund_key(request.order_id, request.return_id)
        try:
            await self._gateway.refund(captured.reference, amount, key)
        except GatewayError:
            if request.settled_by is None:
                raise
            return f"by-hand:{request.return_id}:{request.settled_by.actor}"
        return key

    async def _record(
        self, request: CaseRequest, captured: payment.Captured, reference: str
    ) -> CaseView:
        order_id, return_id = request.order_id, request.return_id
        returns, paid = returns_slot(order_id), payment_slot(order_id)

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[CaseView]:
            work = Work(loaded)
            case = known_case(work, order_id, return_id)
            if case.refund_is_due and case.refund is not None:
                record = RecordRefund(order_id, case.refund, captured.reference, reference)
                work.tell(paid, record)
                work.tell(returns, RecordReturnRefund(return_id, reference))
            return work.decision(view_of(work, order_id, return_id))

        context = command_context(request.saga, "return-refunded")
        return await self._handler.execute(folds(returns, paid), decide, context)
