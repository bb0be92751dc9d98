"""Every way money is given back: compensations, amended orders, returns; task queue ``payments``.

Activities may be repeated: they first ask the provider what it has refunded already, or the
provider recognises the key. If the provider fails and an operator states that the money was given
back by hand, that statement is recorded as the proof.
"""

from collections.abc import Awaitable, Sequence

from temporalio import activity

from activities import messages, ports
from activities.aggregates import FULFILLMENT, ORDER, PAYMENT, RETURNS
from activities.failures import refusal
from activities.keys import OrderKeys
from activities.orders.trail import require_forward
from activities.payments.own import OrderPayments, OwnPayment, OwnPayments
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


class RefundActivities:
    """Void and refund payments, and record it."""

    def __init__(self, handler: CommandHandler, payments: OwnPayments) -> None:
        self._handler = handler
        self._payments = payments

    @activity.defn
    async def undo_payment(
        self, request: messages.CompensationRequest
    ) -> messages.CompensationResult:
        """Void or refund the order's payment, depending on its state at the provider.

        Raises:
            ApplicationError: not_ours, or not_fulfillable: the provider rejects it; for a person to
                look at.
        """
        order_id, undone, by_hand = request.order_id, list[OwnPayment](), None
        try:
            await self._undo(order_id, undone)
        except ports.GatewayError:
            if request.settled_by is None:
                raise
            by_hand = request.settled_by
        if not (undone or by_hand):
            return messages.CompensationResult(messages.NOTHING)
        state = await transact(
            self._handler,
            (PAYMENT.stream(order_id),),
            lambda unit: _record_undone(unit, order_id, undone, by_hand),
            command_context(request.saga, "undone"),
        )
        if by_hand:
            return messages.CompensationResult(f"settled by hand by {by_hand.actor}")
        result, last = _in_words(state), undone[-1].status
        for_good = last is ports.PaymentStatus.FORBIDDEN and result == messages.NOTHING
        return messages.CompensationResult(messages.NOTHING_FOR_GOOD if for_good else result)

    @activity.defn
    async def settle_payment(self, request: messages.SettlePayment) -> messages.CompensationResult:
        """Refund what was captured beyond the total of an order that has been amended.

        An authorisation needs nothing: the capture takes the total and releases the rest.

        Raises:
            ApplicationError: not_ours, or not_fulfillable: the provider rejects it; for a person to
                look at.
        """
        order, paid = ORDER.stream(request.order_id), PAYMENT.stream(request.order_id)
        unit = await load(self._handler, order, paid, FULFILLMENT.stream(request.order_id))
        require_forward(unit, request.order_id)
        submitted = submitted_order(unit.state(order), request.order_id)
        total, captured = submitted.total, unit.state(paid)
        if not isinstance(captured, payment.Captured) or captured.refundable <= total:
            return messages.CompensationResult(messages.NOTHING)
        operator = request.settled_by
        by_hand = f"by-hand:{operator.actor}:{total.minor}" if operator else None
        payments = await self._payments.of(submitted)
        refund, key = _refund_beyond(payments, captured, total), payments.keys
        reference = await _or_by_hand(refund, key.amendment_refund(total), by_hand)
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
            ApplicationError: not_ours, or not_fulfillable: the provider rejects it; for a person to
                look at.
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
        key = payments.keys.return_refund(return_id)
        operator = request.settled_by
        by_hand = f"by-hand:{return_id}:{operator.actor}" if operator else None
        refund = _refund_again(payments, captured, case.refund, key)
        reference = await _or_by_hand(refund, key, by_hand)
        return await transact(
            self._handler,
            (returns, paid),
            lambda unit: _record_returned(unit, request, captured.reference, reference),
            command_context(request.saga, "return-refunded"),
        )

    # --- at the provider -------------------------------------------------------------------------

    async def _undo(self, order_id: OrderId, undone: list[OwnPayment]) -> None:
        """Undo the order's payments, oldest first, and add each one as it is then to `undone`.

        If there is none, the provider is told to refuse one from now on: a charge may still be on
        its way.

        Raises:
            NotOurs: the provider, or our record, has one of somebody else; ours were undone.
        """
        order_stream, paid = ORDER.stream(order_id), PAYMENT.stream(order_id)
        unit = await load(self._handler, order_stream, paid)
        if (order := frozen_order(unit.state(order_stream))) is None:
            return  # it was never submitted, so nothing was charged
        if not any(total.minor for total in order.totals):
            return  # it never cost anything
        payments, others = await self._payments.of(order), list[ports.NotOurs]()
        for key in payments.keys.payments:
            try:
                answer = await payments.find(key) or await payments.forbid(key)
            except ports.NotOurs as error:
                others.append(error)
                continue
            if answer is None:
                break
            undone.append(await _undo_one(payments, answer))
            if undone[-1].status is not ports.PaymentStatus.EXPIRED:
                break
        if others:
            raise others[0]
        payments.check_recorded(unit.state(paid))


async def release(payments: OrderPayments, authorised: payment.Authorised) -> OwnPayment:
    """Release the authorisation of an order that costs nothing any more."""
    return await payments.void(await payments.recorded(authorised))


async def _undo_one(payments: OrderPayments, answer: OwnPayment) -> OwnPayment:
    try:
        return await _void_or_refund(payments, answer)
    except ports.GatewayRejected:
        # The payment may have changed just now: a capture in flight must be refunded, and after
        # a refund in flight only the rest is left to refund.
        current = await payments.find(answer.idempotency_key)
        if current is None or current == answer:
            raise
        return await _void_or_refund(payments, current)


async def _void_or_refund(payments: OrderPayments, answer: OwnPayment) -> OwnPayment:
    if answer.status is ports.PaymentStatus.AUTHORISED:
        return await payments.void(answer)
    if answer.status is ports.PaymentStatus.CAPTURED:
        return await payments.refund(answer, answer.amount - answer.refunded, payments.keys.refund)
    return answer


async def _refund_beyond(payments: OrderPayments, captured: payment.Captured, total: Money) -> None:
    """Refund what exceeds `total`; the provider's record of refunds decides, not ours."""
    own = await payments.recorded(captured)
    rest = captured.amount - own.refunded - total
    if rest.minor > 0:
        await payments.refund(own, rest, payments.keys.amendment_refund(total))


async def _refund_again(
    payments: OrderPayments, captured: payment.Captured, amount: Money, key: str
) -> None:
    """Refund an amount, once per key."""
    await payments.refund(await payments.recorded(captured), amount, key)


async def _or_by_hand(refund: Awaitable[None], key: str, by_hand: str | None) -> str:
    """What to record as the reference of `refund`: `key`, or `by_hand` if it fails.

    Raises:
        ports.GatewayError: it fails, and no operator vouches for it.
    """
    try:
        await refund
    except ports.GatewayError:
        if by_hand is None:
            raise
        return by_hand
    return key


# --- what is recorded ----------------------------------------------------------------------------


def _record_undone(
    unit: UnitOfWork,
    order_id: OrderId,
    undone: Sequence[OwnPayment],
    by_hand: messages.OperatorAction | None,
) -> payment.PaymentState:
    paid = PAYMENT.stream(order_id)
    for answer in undone:
        unit.execute(paid, *_undone(answer, unit.state(paid)))
    if by_hand:
        unit.execute(paid, *_settled_by_hand(unit.state(paid), by_hand))
    return unit.state(paid)


def _undone(answer: OwnPayment, state: payment.PaymentState) -> list[commands.PaymentCommand]:
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


def _voided(answer: OwnPayment, state: payment.PaymentState) -> list[commands.PaymentCommand]:
    order_id, key = answer.order_id, answer.idempotency_key
    void = commands.RecordVoid(order_id, answer.reference)
    if not isinstance(state, payment.NoPayment):
        return [void]
    return [commands.RecordAuthorisation(order_id, answer.amount, answer.reference, key), void]


def _refunded(answer: OwnPayment, state: payment.PaymentState) -> list[commands.PaymentCommand]:
    order_id, reference = answer.order_id, answer.reference
    key = OrderKeys(answer.installation, order_id).refund
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
