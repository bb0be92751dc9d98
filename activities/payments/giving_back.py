"""Giving captured money back: one refund at a time, recorded whatever becomes of it.

A refund that succeeded is recorded by whoever asked for it, together with what else that changes.
One that is pending or has failed is recorded here, before anybody is told: a failed one decides the
key of the next attempt.
"""

from dataclasses import dataclass
from typing import Final

from activities import ports
from activities.aggregates import PAYMENT
from activities.messages import SagaRef
from activities.payment_port import ProviderRefund, RefundStatus
from activities.payments.own import OrderPayments
from activities.unit_of_work import UnitOfWork, command_context, transact
from domain.ids import OrderId
from domain.money import Money
from domain.payment import commands
from domain.payment import state as payment
from eventstore.commands.handler import CommandHandler

_KEYS_AT_ONCE: Final = 3
_NO_ANSWER: Final = "the provider answers this key with an earlier failure"
_BY_HAND: Final = "settled by hand"


@dataclass(frozen=True, slots=True)
class GivenBack:
    """The payment as it is recorded, and the reference under which money went back.

    `reference` is None if there was nothing to give back.
    """

    captured: payment.Captured
    reference: str | None
    amount: Money


@dataclass(frozen=True, slots=True)
class GivingBack:
    """Refunds the payment of one order."""

    handler: CommandHandler
    saga: SagaRef
    order_id: OrderId

    async def refund(
        self, payments: OrderPayments, captured: payment.Captured, first: str, amount: Money
    ) -> GivenBack:
        """Refund an amount; `first` is the key of the first attempt at it.

        Raises:
            ports.RefundUnfinished, ports.RefundNeedsCustomer: it is recorded as pending.
            ports.RefundFailed: it is recorded as failed; the next attempt has another key.
            ports.GatewayError: see the port.
        """
        for _ in range(_KEYS_AT_ONCE):
            key = captured.refund_key(first)
            if key in captured.refunds:
                return GivenBack(captured, key, captured.refunds[key])
            if key in captured.pending:
                amount = captured.pending[key].amount
            if amount.minor <= 0:
                return GivenBack(captured, None, amount)
            try:
                refund = await payments.refund(captured, amount, key)
            except ports.KeyUsedUp:
                captured = await self._failed(captured, key, amount, _NO_ANSWER)
                continue
            captured = await self._note(captured, refund)
            return GivenBack(captured, key, refund.amount)
        raise ports.GatewayUnavailable("the provider answers every key with an earlier failure")

    async def caught_up(
        self, payments: OrderPayments, captured: payment.Captured
    ) -> payment.Captured:
        """The payment once every refund that the provider has is recorded, whoever asked for it.

        Raises:
            As `refund`: one of them is not final, or failed just now.
        """
        for refund in await payments.refunds(captured):
            captured = await self._note(captured, refund)
            covered = refund.amount <= captured.refundable
            if refund.status is RefundStatus.SUCCEEDED and covered:
                captured = await self.made(captured, refund.idempotency_key, refund.amount)
        return captured

    async def made(self, captured: payment.Captured, key: str, amount: Money) -> payment.Captured:
        """Record a refund that succeeded."""
        if key in captured.refunds:
            return captured
        refund = commands.RecordRefund(self.order_id, amount, captured.reference, key)
        return await self.record(refund, f"{key}:made")

    async def record_by_hand(self, captured: payment.Captured, first: str) -> None:
        """Record that an operator vouches for a refund: a pending one does not count any more."""
        key = captured.refund_key(first)
        if key in captured.pending:
            await self._failed(captured, key, captured.pending[key].amount, _BY_HAND)

    async def record(self, command: commands.PaymentCommand, purpose: str) -> payment.Captured:
        """Record a fact about the captured payment; the payment as it stands then."""
        paid = PAYMENT.stream(self.order_id)

        def captured_of(unit: UnitOfWork) -> payment.Captured:
            state = unit.state(paid)
            if not isinstance(state, payment.Captured):
                raise ports.NotOurs("the order's payment is not captured any more")
            return state

        def rule(unit: UnitOfWork) -> payment.Captured:
            unit.execute(paid, command)
            return captured_of(unit)

        context = command_context(self.saga, purpose)
        return await transact(self.handler, (paid,), rule, context, if_done=captured_of)

    # --- what becomes of a refund ----------------------------------------------------------------

    async def _note(self, captured: payment.Captured, refund: ProviderRefund) -> payment.Captured:
        """Record a refund that has not succeeded, and raise what it means."""
        key = refund.idempotency_key
        match refund.status:
            case RefundStatus.SUCCEEDED:
                return captured
            case RefundStatus.FAILED if key in captured.failed:
                return captured
            case RefundStatus.FAILED:
                code = refund.code or "no reason given"
                await self._failed(captured, key, refund.amount, code)
                raise ports.RefundFailed(f"the refund {refund.refund_id} failed: {code}")
            case RefundStatus.PENDING | RefundStatus.REQUIRES_ACTION:
                pending = commands.RecordRefundPending(
                    self.order_id, refund.amount, refund.reference, key, refund.refund_id
                )
                await self.record(pending, f"{key}:pending")
        if refund.status is RefundStatus.PENDING:
            raise ports.RefundUnfinished(f"the refund {refund.refund_id} is pending at the bank")
        raise ports.RefundNeedsCustomer(
            f"the refund {refund.refund_id} waits for the customer: the provider needs to know "
            "where the money goes"
        )

    async def _failed(
        self, captured: payment.Captured, key: str, amount: Money, code: str
    ) -> payment.Captured:
        failure = commands.RecordRefundFailure(self.order_id, amount, captured.reference, key, code)
        return await self.record(failure, f"{key}:failed")
