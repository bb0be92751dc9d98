"""Another payment of an order, once the one before was declined or ended.

An order has one payment at a time: the next one begins once the one before is known to be over at
the provider, under a key of its own. An authorisation that still stands is ended for that.
"""

from datetime import datetime

from temporalio import activity

from activities import ports
from activities.aggregates import FULFILLMENT, ORDER, PAYMENT
from activities.failures import refusal
from activities.orders.trail import operator_commands, require_forward
from activities.payments.messages import ReplacePayment
from activities.payments.own import OwnPayment, OwnPayments
from activities.payments.recording import record_answer
from activities.payments.undo import release
from activities.unit_of_work import UnitOfWork, command_context, done, load, transact
from domain.ids import OrderId
from domain.order import commands
from domain.order.state import FrozenOrder, payable_order, submitted_order
from domain.payment import state as payment
from domain.values import PaymentDue, Reason
from eventstore.commands.handler import CommandHandler


class PaymentReplacement:
    """Notes another payment method."""

    def __init__(self, handler: CommandHandler, payments: OwnPayments, sagas: ports.Sagas) -> None:
        self._handler = handler
        self._payments = payments
        self._sagas = sagas

    @activity.defn
    async def replace_payment(self, request: ReplacePayment) -> None:
        """Record the payment that the saga was given, and who gave it.

        Raises:
            ApplicationError: not_fulfillable: the provider takes no such token, or it is too late.
        """
        order_id, saga = request.order_id, request.saga
        order, trail = ORDER.stream(order_id), FULFILLMENT.stream(order_id)
        paid = PAYMENT.stream(order_id)
        unit = await load(self._handler, order, paid)
        submitted = submitted_order(unit.state(order), order_id)
        token = None if request.confirmed is not None else await self._token(request, submitted)
        replace = commands.ReplacePayment(token, request.confirmed)
        ended = await self._ended(submitted, unit.state(paid))

        def rule(unit: UnitOfWork) -> None:
            require_forward(unit, order_id)
            now = submitted_order(unit.state(order), order_id)
            if now.has_another_payment and (now.token, now.confirmed) == (token, request.confirmed):
                return  # by an attempt whose answer was lost
            if ended:
                record_answer(unit, ended)
            unit.execute(order, replace)
            unit.execute(trail, *operator_commands((request.by,)))

        context = command_context(saga, "replaced")
        await transact(self._handler, (order, paid, trail), rule, context, if_done=done)

    async def _token(self, request: ReplacePayment, order: FrozenOrder) -> str:
        saga = request.saga
        token = await self._sagas.payment_token(saga.workflow_id, saga.run_id)
        if token is None:
            raise refusal(Reason.NOT_FULFILLABLE, "the saga wants no other payment any more")
        if problem := self._payments.problem(order, token):
            raise refusal(Reason.NOT_FULFILLABLE, problem)
        return token

    async def _ended(self, order: FrozenOrder, paid: payment.PaymentState) -> OwnPayment | None:
        """The authorisation before, which is ended; None: there was none."""
        if not isinstance(paid, payment.Authorised) or order.payment_due is None:
            return None
        try:
            return await release(await self._payments.of(order), paid)
        except ports.GatewayRejected:
            text = "the payment before cannot be ended: it may have succeeded"
            raise refusal(Reason.NOT_FULFILLABLE, text) from None


def asked(
    unit: UnitOfWork, order_id: OrderId, state: payment.PaymentState, now: datetime
) -> PaymentDue | None:
    """Ask for another payment if this one is over and the order wants that; what is due then.

    `now` is Temporal's time, by which the saga waits.
    """
    if not isinstance(state, payment.Declined | payment.Voided | payment.NotClaimed):
        return None
    return ask_for_another(unit, order_id, _code(state), now)


def ask_for_another(
    unit: UnitOfWork, order_id: OrderId, code: str, now: datetime
) -> PaymentDue | None:
    """Ask for another payment if the order wants that, because of `code`; what is due then."""
    stream = ORDER.stream(order_id)
    order = payable_order(unit.state(stream))
    if order is None or not order.asks_for_payment:
        return None
    unit.execute(stream, commands.AskForPayment(code, now + order.deadline_of_payment))
    return submitted_order(unit.state(stream), order_id).payment_due


def _code(state: payment.Declined | payment.Voided | payment.NotClaimed) -> str:
    if not isinstance(state, payment.Voided):
        return state.code
    return "expired" if state.expired else "voided"
