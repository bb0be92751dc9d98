"""What a return asks of the payment provider; task queue ``payments``.

The grant was recorded before, in one append that saw all other grants of the order. The provider
knows the refund by a key of the return: asked again, also after a lost answer, it gives the same
answer and no more money.
"""

from collections.abc import Mapping
from typing import Any

from temporalio import activity

from activities.aggregates import Work, folds, payment_slot, read, returns_slot
from activities.context import command_context
from activities.failures import refused, translated
from activities.keys import return_refund_key
from activities.ports import GatewayError, PaymentGateway
from activities.return_messages import CaseRequest, CaseView
from activities.return_work import known_case, view_of
from domain import payment
from domain.commands import RecordRefund
from domain.money import Money
from domain.return_commands import RecordReturnRefund
from domain.values import Reason
from eventstore.handling import CommandHandler, Decision, Loaded


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
