"""Giving back what an order paid beyond its amended total."""

from collections.abc import Mapping
from typing import Any

from activities.aggregates import Work, folds, payment_slot
from activities.context import command_context
from activities.keys import amendment_refund_key
from activities.messages import CompensationResult, SettlePayment
from activities.ports import GatewayError, PaymentGateway
from domain.commands import RecordRefund
from domain.money import Money
from domain.order_state import FrozenOrder
from domain.payment import Captured
from eventstore.handling import CommandHandler, Decision, Loaded


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
