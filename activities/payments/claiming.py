"""Taking up a payment that the shop has authorised or captured at checkout.

It carries no key of ours, so it is compared first, and then claimed: in our events, together with
the stream of its reference, so that no payment serves two orders; then at the provider. Whatever
is done with it later finds that claim, or writes it.
"""

from dataclasses import dataclass

from activities.aggregates import CLAIM, PAYMENT
from activities.messages import SagaRef
from activities.payments.objections import Objection
from activities.payments.own import OrderPayments
from activities.unit_of_work import UnitOfWork, command_context, transact
from domain.ids import OrderId
from domain.payment import commands
from domain.payment import state as payment
from domain.payment.claim import ClaimReference
from eventstore.commands.handler import CommandHandler


@dataclass(frozen=True, slots=True)
class Claiming:
    """Takes up the confirmed payment of one order."""

    handler: CommandHandler
    saga: SagaRef
    order_id: OrderId

    async def claim(
        self, payments: OrderPayments, reference: str, nothing: payment.NoPayment
    ) -> payment.PaymentState:
        """Record the payment as the order's, or why it is not; the payment as recorded then.

        Raises:
            ports.GatewayError: the provider does not say where it stands.
        """
        key = nothing.idempotency_key or payments.keys.payment
        answer = await payments.objection(reference, key)
        paid, claim = PAYMENT.stream(self.order_id), CLAIM.stream(reference)

        def refused(code: Objection) -> commands.RecordRefusal:
            return commands.RecordRefusal(self.order_id, payments.asked, code, reference, key)

        def rule(unit: UnitOfWork) -> payment.PaymentState:
            claimed = unit.state(claim)
            if unit.state(paid) != nothing:
                return unit.state(paid)  # by another attempt
            if isinstance(answer, Objection):
                unit.execute(paid, refused(answer))
            elif claimed and claimed.order_id != self.order_id:
                unit.execute(paid, refused(Objection.NOT_OURS))
            else:
                unit.execute(claim, ClaimReference(self.order_id))
                command = commands.RecordClaim(self.order_id, answer.asked, reference, key)
                unit.execute(paid, command)
            return unit.state(paid)

        return await transact(
            self.handler,
            (paid, claim),
            rule,
            command_context(self.saga, f"{key}:claimed"),
            if_done=lambda unit: unit.state(paid),
        )
