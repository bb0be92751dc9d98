"""Every way money is given back: compensations, amended orders, returns; task queue ``payments``.

Activities may be repeated: they first ask the provider what it has refunded already, or the
provider recognises the key. If the provider fails and an operator states that the money was given
back by hand, that statement is recorded as the proof.
"""

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from temporalio import activity

from activities import keys, messages, ports
from activities.aggregates import ORDER, PAYMENT, RETURNS
from activities.failures import refusal
from activities.returns.messages import CaseRequest, CaseView
from activities.returns.rules import case_of, view_of
from activities.unit_of_work import UnitOfWork, command_context, load, transact
from domain.ids import OrderId
from domain.money import Money
from domain.order.state import frozen_order, submitted_order
from domain.payment import commands, payment
from domain.returns.commands import RecordReturnRefund
from domain.values import Reason
from eventstore.commands.handler import CommandHandler

T = TypeVar("T")
U = TypeVar("U")


class RefundActivities:
    """Void and refund payments, and record it."""

    def __init__(self, handler: CommandHandler, gateway: ports.PaymentGateway) -> None:
        self._handler = handler
        self._gateway = gateway

    @activity.defn
    async def undo_payment(
        self, request: messages.CompensationRequest
    ) -> messages.CompensationResult:
        """Void or refund the order's payment, depending on its state at the provider.

        Raises:
            ApplicationError: not_fulfillable: a rejection by the provider, for a person to look at.
        """
        order_id = request.order_id
        proof = await _or_by_hand(self._undo(order_id), request.settled_by)
        if proof == []:
            return messages.CompensationResult(messages.NOTHING)
        state = await transact(
            self._handler,
            (PAYMENT.stream(order_id),),
            lambda unit: _record_undone(unit, order_id, proof),
            command_context(request.saga, "undone"),
        )
        if isinstance(proof, messages.OperatorAction):
            return messages.CompensationResult(f"settled by hand by {proof.actor}")
        undone = _in_words(state)
        forbidden = proof[-1].status is ports.PaymentStatus.FORBIDDEN
        return messages.CompensationResult(
            messages.NOTHING_FOR_GOOD if forbidden and undone == messages.NOTHING else undone
        )

    @activity.defn
    async def settle_payment(self, request: messages.SettlePayment) -> messages.CompensationResult:
        """Refund what was captured beyond the total of an order that has been amended.

        An authorisation needs nothing: the capture takes the total and releases the rest.

        Raises:
            ApplicationError: not_fulfillable: a rejection by the provider, for a person to look at.
        """
        order, paid = ORDER.stream(request.order_id), PAYMENT.stream(request.order_id)
        unit = await load(self._handler, order, paid)
        total = submitted_order(unit.state(order), request.order_id).total
        captured = unit.state(paid)
        if not isinstance(captured, payment.Captured) or captured.refundable <= total:
            return messages.CompensationResult(messages.NOTHING)
        operator = request.settled_by
        by_hand = f"by-hand:{operator.actor}:{total.minor}" if operator else None
        reference = await _or_by_hand(self._refund_beyond(captured, total), by_hand)
        await transact(
            self._handler,
            (paid,),
            lambda unit: _record_settled(unit, request.order_id, total, reference),
            command_context(request.saga, "settled"),
        )
        return messages.CompensationResult("refunded")

    @activity.defn
    async def refund_return(self, request: CaseRequest) -> CaseView:
        """Refund what a return was granted; record it for payment and case in one append.

        Raises:
            ApplicationError: not_fulfillable: a rejection by the provider, for a person to look at.
        """
        order_id, return_id = request.order_id, request.return_id
        returns, paid = RETURNS.stream(order_id), PAYMENT.stream(order_id)
        unit = await load(self._handler, returns, paid)
        case, captured = case_of(unit, order_id, return_id), unit.state(paid)
        if not case.refund_is_due or case.refund is None:
            return view_of(unit, order_id, return_id)
        if not isinstance(captured, payment.Captured):
            raise refusal(Reason.NOT_FULFILLABLE, "no captured money can be refunded")
        key = keys.return_refund_key(order_id, return_id)
        operator = request.settled_by
        by_hand = f"by-hand:{return_id}:{operator.actor}" if operator else None
        refund = self._gateway.refund(captured.reference, case.refund, key)
        proof = await _or_by_hand(refund, by_hand)
        reference = proof if isinstance(proof, str) else key
        return await transact(
            self._handler,
            (returns, paid),
            lambda unit: _record_returned(unit, request, captured.reference, reference),
            command_context(request.saga, "return-refunded"),
        )

    # --- at the provider -------------------------------------------------------------------------

    async def _undo(self, order_id: OrderId) -> list[ports.ProviderPayment]:
        """The order's payments at the provider after they were undone, oldest first.

        If there is none, the provider is told to refuse one from now on: a charge may still be on
        its way.
        """
        undone: list[ports.ProviderPayment] = []
        for key in keys.payment_keys(order_id):
            answer = await self._gateway.find(key) or await self._forbid(order_id, key)
            if answer is None:
                break
            undone.append(await self._undo_one(answer))
            if undone[-1].status is not ports.PaymentStatus.EXPIRED:
                break
        return undone

    async def _forbid(self, order_id: OrderId, key: str) -> ports.ProviderPayment | None:
        order = frozen_order(await ORDER.stream(order_id).load(self._handler))
        return await self._gateway.forbid(order_id, order.total, key) if order else None

    async def _undo_one(self, answer: ports.ProviderPayment) -> ports.ProviderPayment:
        try:
            return await self._void_or_refund(answer)
        except ports.GatewayRejected:
            # The payment may have changed just now: a capture in flight must be refunded, and after
            # a refund in flight only the rest is left to refund.
            current = await self._gateway.find(answer.idempotency_key)
            if current is None or current == answer:
                raise
            return await self._void_or_refund(current)

    async def _void_or_refund(self, answer: ports.ProviderPayment) -> ports.ProviderPayment:
        if answer.status is ports.PaymentStatus.AUTHORISED:
            return await self._gateway.void(answer.reference, keys.void_key(answer.order_id))
        if answer.status is ports.PaymentStatus.CAPTURED:
            rest = answer.amount - answer.refunded
            return await self._gateway.refund(
                answer.reference, rest, keys.refund_key(answer.order_id)
            )
        return answer

    async def _refund_beyond(self, captured: payment.Captured, total: Money) -> str:
        """Refund what exceeds `total`; the provider's record of refunds decides, not ours."""
        answer = await self._gateway.find(captured.idempotency_key)
        refunded = answer.refunded if answer else captured.refunded
        rest = captured.amount - refunded - total
        key = keys.amendment_refund_key(captured.order_id, total)
        if rest.minor > 0:
            await self._gateway.refund(captured.reference, rest, key)
        return key


async def _or_by_hand(refund: Awaitable[T], by_hand: U | None) -> T | U:
    """The result of `refund`, or `by_hand` if it fails and an operator vouches for it.

    Raises:
        ports.GatewayError: it fails and nobody vouches.
    """
    try:
        return await refund
    except ports.GatewayError:
        if by_hand is None:
            raise
        return by_hand


# --- what is recorded ----------------------------------------------------------------------------


def _record_undone(
    unit: UnitOfWork,
    order_id: OrderId,
    proof: Sequence[ports.ProviderPayment] | messages.OperatorAction,
) -> payment.PaymentState:
    paid = PAYMENT.stream(order_id)
    if isinstance(proof, messages.OperatorAction):
        unit.execute(paid, *_settled_by_hand(unit.state(paid), proof))
        return unit.state(paid)
    for answer in proof:
        unit.execute(paid, *_undone(answer, unit.state(paid)))
    return unit.state(paid)


def _undone(
    answer: ports.ProviderPayment, state: payment.PaymentState
) -> list[commands.PaymentCommand]:
    """Commands that bring our payment to where the provider's is."""
    order_id, key = answer.order_id, answer.idempotency_key
    match answer.status:
        case ports.PaymentStatus.DECLINED if isinstance(state, payment.NoPayment):
            code = answer.decline_code or "declined"
            return [commands.RecordDecline(order_id, answer.amount, code, key)]
        case ports.PaymentStatus.VOIDED:
            return _voided(answer, state)
        case ports.PaymentStatus.EXPIRED if isinstance(state, payment.Authorised):
            if state.reference == answer.reference:
                return [commands.RecordVoid(order_id, answer.reference)]
            return []
        case ports.PaymentStatus.REFUNDED:
            return _refunded(answer, state)
        case _:
            return []


def _voided(
    answer: ports.ProviderPayment, state: payment.PaymentState
) -> list[commands.PaymentCommand]:
    order_id, key = answer.order_id, answer.idempotency_key
    void = commands.RecordVoid(order_id, answer.reference)
    if not isinstance(state, payment.NoPayment):
        return [void]
    return [commands.RecordAuthorisation(order_id, answer.amount, answer.reference, key), void]


def _refunded(
    answer: ports.ProviderPayment, state: payment.PaymentState
) -> list[commands.PaymentCommand]:
    order_id, reference = answer.order_id, answer.reference
    key = keys.refund_key(order_id)
    if not isinstance(state, payment.Captured):
        capture = commands.RecordCapture(order_id, answer.amount, reference, answer.idempotency_key)
        return [capture, commands.RecordRefund(order_id, answer.amount, reference, key)]
    if state.refundable.minor == 0:
        return []
    return [commands.RecordRefund(order_id, state.refundable, reference, key)]


def _settled_by_hand(
    state: payment.PaymentState, operator: messages.OperatorAction
) -> list[commands.PaymentCommand]:
    """What to record on an operator's statement that the provider cannot confirm."""
    match state:
        case payment.Authorised():
            return [commands.RecordVoid(state.order_id, state.reference)]
        case payment.Captured() if state.refundable.minor > 0:
            by_hand, rest = f"by-hand:{operator.actor}", state.refundable
            return [commands.RecordRefund(state.order_id, rest, state.reference, by_hand)]
        case _:
            return []


def _in_words(state: payment.PaymentState) -> str:
    match state:
        case payment.Voided():
            return "voided"
        case payment.Captured():
            return "refunded"
        case payment.Declined():
            return "declined"
        case _:
            return messages.NOTHING


def _record_settled(unit: UnitOfWork, order_id: OrderId, total: Money, reference: str) -> None:
    # A repeated attempt has nothing to record: the state is the one after the first.
    paid = PAYMENT.stream(order_id)
    state = unit.state(paid)
    if isinstance(state, payment.Captured) and total < state.refundable:
        rest = state.refundable - total
        unit.execute(paid, commands.RecordRefund(order_id, rest, state.reference, reference))


def _record_returned(
    unit: UnitOfWork, request: CaseRequest, payment_reference: str, reference: str
) -> CaseView:
    order_id, return_id = request.order_id, request.return_id
    case = case_of(unit, order_id, return_id)
    if case.refund_is_due and case.refund is not None:
        refund = commands.RecordRefund(order_id, case.refund, payment_reference, reference)
        unit.execute(PAYMENT.stream(order_id), refund)
        unit.execute(RETURNS.stream(order_id), RecordReturnRefund(return_id, reference))
    return view_of(unit, order_id, return_id)
