"""Undoing an order's payment: what our events name is looked at, ended or given back by reference.

If nothing is recorded, nothing was confirmed, and recording that nothing may be prepared any more
ensures that nothing will be. The provider need not be asked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from activities import ports
from activities.aggregates import PAYMENT
from activities.messages import OperatorAction, SagaRef
from activities.payment_port import PaymentStatus
from activities.payments.giving_back import GivingBack
from activities.payments.own import NOT_TAKEN, OrderPayments, OwnPayment
from activities.payments.recording import record_answer
from activities.unit_of_work import UnitOfWork, command_context, transact
from domain.ids import OrderId
from domain.payment import commands
from domain.payment import state as payment
from eventstore.commands.handler import CommandHandler

_TAKEN: Final = frozenset(
    {PaymentStatus.AUTHORISED, PaymentStatus.CAPTURED, PaymentStatus.REFUNDED}
)


@dataclass(frozen=True, slots=True)
class PaymentUndo:
    """Undoes the payment of one order."""

    handler: CommandHandler
    saga: SagaRef
    order_id: OrderId

    async def forbid(self) -> payment.PaymentState:
        """Allow no payment to be prepared any more, unless one is; the payment as recorded."""
        paid = PAYMENT.stream(self.order_id)

        def rule(unit: UnitOfWork) -> payment.PaymentState:
            if isinstance(unit.state(paid), payment.NoPayment):
                unit.execute(paid, commands.ForbidPayment(self.order_id))
            return unit.state(paid)

        return await self._transact(rule, "forbidden")

    async def undo(
        self, payments: OrderPayments, recorded: payment.KnownPayment
    ) -> payment.PaymentState:
        """End the payment or give it back; the payment as it is recorded then.

        Raises:
            ports.GatewayError: not undone yet; see `GivingBack.refund`.
        """
        own = await payments.recorded(recorded)
        try:
            return await self._ended(payments, own)
        except ports.GatewayRejected:
            # The payment may have changed just now: a capture in flight must be refunded, and
            # after a refund in flight only the rest is left to refund.
            current = await payments.recorded(recorded)
            if current == own:
                raise
            return await self._ended(payments, current)

    async def settle_by_hand(self, operator: OperatorAction) -> payment.PaymentState:
        """Record an operator's statement that no money is held any more."""
        paid = PAYMENT.stream(self.order_id)

        def rule(unit: UnitOfWork) -> payment.PaymentState:
            unit.execute(paid, *_settled_by_hand(unit.state(paid), operator))
            return unit.state(paid)

        return await self._transact(rule, "by-hand")

    # --- at the provider -------------------------------------------------------------------------

    async def _ended(self, payments: OrderPayments, own: OwnPayment) -> payment.PaymentState:
        if own.status in NOT_TAKEN:
            own = await payments.void(own)
        state = await self._record(own)
        if not isinstance(state, payment.Captured):
            return state
        giving = GivingBack(self.handler, self.saga, self.order_id)
        captured = await giving.caught_up(payments, state)
        keys = payments.keys
        refund = await giving.refund(payments, captured, keys.refund, captured.refundable)
        if refund.reference is None:
            return refund.captured
        return await giving.made(refund.captured, refund.reference, refund.amount)

    # --- what is recorded ------------------------------------------------------------------------

    async def _record(self, own: OwnPayment) -> payment.PaymentState:
        paid = PAYMENT.stream(self.order_id)

        def rule(unit: UnitOfWork) -> payment.PaymentState:
            record_answer(unit, own)
            return unit.state(paid)

        return await self._transact(rule, f"undone-{own.status}")

    async def _transact(
        self, rule: Callable[[UnitOfWork], payment.PaymentState], purpose: str
    ) -> payment.PaymentState:
        paid = PAYMENT.stream(self.order_id)
        return await transact(
            self.handler,
            (paid,),
            rule,
            command_context(self.saga, purpose),
            if_done=lambda unit: unit.state(paid),
        )


async def release(
    payments: OrderPayments, held: payment.Prepared | payment.Authorised
) -> OwnPayment:
    """End the payment of an order that costs nothing any more."""
    return await payments.void(await payments.recorded(held))


async def ended(payments: OrderPayments, before: payment.Declined | payment.Voided) -> OwnPayment:
    """The payment before, which can take no money any more, or has taken it after all.

    Raises:
        ports.GatewayError: it is not known to be over.
    """
    own = await payments.recorded(before)
    if isinstance(before, payment.Declined) and has_taken(own):
        return own
    if own.status is not PaymentStatus.DECLINED and own.status not in NOT_TAKEN:
        return own
    try:
        return await payments.void(own)
    except ports.GatewayRejected:  # it may have succeeded just now
        own = await payments.recorded(before)
        if has_taken(own):
            return own
        raise


def has_taken(own: OwnPayment) -> bool:
    """Whether the provider holds or has captured the money, against what was known."""
    return own.status in _TAKEN


def _settled_by_hand(
    state: payment.PaymentState, operator: OperatorAction
) -> list[commands.PaymentCommand]:
    match state:
        case payment.Authorised() | payment.Prepared():
            return [commands.RecordVoid(state.order_id, state.reference)]
        case payment.Captured() if state.refundable.minor > 0:
            by_hand, rest = f"by-hand:{operator.actor}", state.refundable
            return [commands.RecordRefund(state.order_id, rest, state.reference, by_hand)]
        case _:
            return []
