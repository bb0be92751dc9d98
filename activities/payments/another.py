"""Another payment of an order, once the one before was declined or ended.

An order has one payment at a time: the next one begins once the one before is known to be over at
the provider, under a key of its own.
"""

from datetime import datetime

from temporalio import activity

from activities import ports
from activities.aggregates import FULFILLMENT, ORDER
from activities.failures import refusal
from activities.orders.trail import operator_commands, require_forward
from activities.payments.messages import ReplacePayment
from activities.payments.own import OwnPayments
from activities.unit_of_work import UnitOfWork, command_context, done, load, transact
from domain.ids import OrderId
from domain.order import commands
from domain.order.state import submitted_order, unpaid_order
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
        """Record the token that the saga was given, and who gave it.

        Raises:
            ApplicationError: not_fulfillable: the provider takes no such token, or it is too late.
        """
        order_id, saga = request.order_id, request.saga
        token = await self._sagas.payment_token(saga.workflow_id, saga.run_id)
        if token is None:
            raise refusal(Reason.NOT_FULFILLABLE, "the saga wants no other payment any more")
        order, trail = ORDER.stream(order_id), FULFILLMENT.stream(order_id)
        submitted = submitted_order((await load(self._handler, order)).state(order), order_id)
        if problem := self._payments.problem(submitted, token):
            raise refusal(Reason.NOT_FULFILLABLE, problem)

        def rule(unit: UnitOfWork) -> None:
            require_forward(unit, order_id)
            now = submitted_order(unit.state(order), order_id)
            if now.has_another_payment and now.token == token:
                return  # by an attempt whose answer was lost
            unit.execute(order, commands.ReplacePayment(token))
            unit.execute(trail, *operator_commands((request.by,)))

        context = command_context(saga, "replaced")
        await transact(self._handler, (order, trail), rule, context, if_done=done)


def asked(
    unit: UnitOfWork, order_id: OrderId, state: payment.PaymentState, now: datetime
) -> PaymentDue | None:
    """Ask for another payment if this one is over and the order wants that; what is due then.

    `now` is Temporal's time, by which the saga waits.
    """
    stream = ORDER.stream(order_id)
    order = unpaid_order(unit.state(stream))
    if order is None or not order.asks_for_payment:
        return None
    if not isinstance(state, payment.Declined | payment.Voided):
        return None
    ask = commands.AskForPayment(_code(state), now + order.deadline_of_payment)
    unit.execute(stream, ask)
    return submitted_order(unit.state(stream), order_id).payment_due


def _code(state: payment.Declined | payment.Voided) -> str:
    if isinstance(state, payment.Declined):
        return state.code
    return "expired" if state.expired else "voided"
