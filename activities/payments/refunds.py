"""Every way money is given back: compensations, amended orders, returns; task queue ``payments``.

Activities may be repeated: they look at what is recorded, ask the provider by reference what it
knows, and use keys by which it recognises a repeated refund. If the provider fails and an operator
states that the money was given back by hand, that statement is recorded as the proof.
"""

from typing import Final, assert_never

from temporalio import activity

from activities import messages, ports
from activities.aggregates import FULFILLMENT, ORDER, PAYMENT, RETURNS
from activities.failures import refusal
from activities.orders.trail import require_forward
from activities.payments.claiming import Claiming
from activities.payments.giving_back import GivingBack
from activities.payments.own import OwnPayments
from activities.payments.undo import PaymentUndo
from activities.returns.messages import CaseRequest, CaseView
from activities.returns.rules import case_of, view_of
from activities.unit_of_work import UnitOfWork, command_context, load, record, transact
from domain.ids import OrderId
from domain.money import Money
from domain.order.state import FrozenOrder, frozen_order, submitted_order
from domain.payment import commands
from domain.payment import state as payment
from domain.returns.commands import RecordReturnAttempt, RecordReturnRefund
from domain.values import Reason
from eventstore.commands.handler import CommandHandler

_ATTEMPTED: Final = (ports.RefundUnfinished, ports.RefundNeedsCustomer, ports.RefundFailed)


class RefundActivities:
    """Void and refund payments, and record it."""

    def __init__(self, handler: CommandHandler, payments: OwnPayments) -> None:
        self._handler = handler
        self._payments = payments

    @activity.defn
    async def undo_payment(
        self, request: messages.CompensationRequest
    ) -> messages.CompensationResult:
        """End or refund the order's payment, depending on its state at the provider.

        Raises:
            ApplicationError: not_ours, refund_pending, refund_needs_customer, refund_failed, or
                not_fulfillable: the provider rejects it; for a person to look at.
        """
        order_id = request.order_id
        order_stream, paid = ORDER.stream(order_id), PAYMENT.stream(order_id)
        unit = await load(self._handler, order_stream, paid)
        order, state = frozen_order(unit.state(order_stream)), unit.state(paid)
        if order is None:  # it was never submitted, so nothing was charged
            return messages.CompensationResult(messages.NOTHING)
        undo = PaymentUndo(self._handler, request.saga, order_id)
        try:
            state = await self._undone(undo, order, state)
        except ports.GatewayError:
            if request.settled_by is None:
                raise
            await undo.settle_by_hand(request.settled_by)
            return messages.CompensationResult(f"settled by hand by {request.settled_by.actor}")
        return messages.CompensationResult(_in_words(state))

    @activity.defn
    async def settle_payment(self, request: messages.SettlePayment) -> messages.CompensationResult:
        """Refund what was captured beyond the total of an order that has been amended.

        An authorisation needs nothing: the capture takes the total and releases the rest.

        Raises:
            ApplicationError: as `undo_payment`.
        """
        order, paid = ORDER.stream(request.order_id), PAYMENT.stream(request.order_id)
        unit = await load(self._handler, order, paid, FULFILLMENT.stream(request.order_id))
        require_forward(unit, request.order_id)
        submitted = submitted_order(unit.state(order), request.order_id)
        total, captured = submitted.total, unit.state(paid)
        if not isinstance(captured, payment.Captured) or captured.refundable <= total:
            return messages.CompensationResult(messages.NOTHING)
        payments = await self._payments.of(submitted)
        giving = GivingBack(self._handler, request.saga, request.order_id)
        first = payments.keys.amendment_refund(total)
        try:
            captured = await giving.caught_up(payments, captured)
            rest = captured.refundable - total
            reference = (await giving.refund(payments, captured, first, rest)).reference
        except ports.GatewayError:
            if request.settled_by is None:
                raise
            await giving.record_by_hand(captured, first)
            reference = f"by-hand:{request.settled_by.actor}:{total.minor}"
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
            ApplicationError: as `undo_payment`.
        """
        order_id, return_id = request.order_id, request.return_id
        order = ORDER.stream(order_id)
        returns, paid = RETURNS.stream(order_id), PAYMENT.stream(order_id)
        unit = await load(self._handler, order, returns, paid)
        case, captured = case_of(unit, order_id, return_id), unit.state(paid)
        if not case.refund_is_due or case.refund is None:
            return view_of(unit, order_id, return_id)
        if not isinstance(captured, payment.Captured):
            raise refusal(Reason.NOT_FULFILLABLE, "no captured money can be refunded")
        payments = await self._payments.of(submitted_order(unit.state(order), order_id))
        giving = GivingBack(self._handler, request.saga, order_id)
        first = payments.keys.return_refund(return_id)
        try:
            reference = (await giving.refund(payments, captured, first, case.refund)).reference
        except ports.GatewayError as error:
            if request.settled_by is None:
                await self._record_attempt(request, captured.refund_key(first), error)
                raise
            await giving.record_by_hand(captured, first)
            reference = f"by-hand:{return_id}:{request.settled_by.actor}"
        return await transact(
            self._handler,
            (returns, paid),
            lambda unit: _record_returned(unit, request, captured.reference, reference or first),
            command_context(request.saga, "return-refunded"),
        )

    async def _record_attempt(
        self, request: CaseRequest, reference: str, error: ports.GatewayError
    ) -> None:
        """Record what became of the refund of a return, if the provider has taken it on."""
        if not isinstance(error, _ATTEMPTED):
            return
        failed = isinstance(error, ports.RefundFailed)
        await record(
            self._handler,
            RETURNS.stream(request.order_id),
            (RecordReturnAttempt(request.return_id, reference, failed),),
            command_context(request.saga, f"{reference}:{'failed' if failed else 'pending'}"),
        )

    async def _undone(
        self, undo: PaymentUndo, order: FrozenOrder, state: payment.PaymentState
    ) -> payment.PaymentState:
        payments = await self._payments.of(order)
        if isinstance(state, payment.NoPayment) and order.confirmed is not None:
            claiming = Claiming(self._handler, undo.saga, undo.order_id)
            state = await claiming.claim(payments, order.confirmed, state)
        if not any(total.minor for total in order.totals):
            return state  # it never cost anything
        if isinstance(state, payment.NoPayment):
            state = await undo.forbid()
        if isinstance(state, payment.NoPayment | payment.NotClaimed | payment.Forbidden):
            return state
        return await undo.undo(payments, state)


def _in_words(state: payment.PaymentState) -> str:
    match state:
        case payment.Voided():
            return "voided"
        case payment.Captured():
            return "refunded"
        case payment.Declined():
            return "declined"
        case payment.NoPayment() | payment.Prepared() | payment.Authorised():
            return messages.NOTHING
        case payment.NotClaimed():
            return f"left alone: {state.code}"
        case payment.Forbidden():
            return messages.NOTHING_FOR_GOOD
        case _:
            assert_never(state)


def _record_settled(
    unit: UnitOfWork, order_id: OrderId, total: Money, reference: str | None
) -> None:
    # A repeated attempt has nothing to record: the state is the one after the first.
    paid = PAYMENT.stream(order_id)
    state = unit.state(paid)
    if reference and isinstance(state, payment.Captured) and total < state.refundable:
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
