"""What the saga asks of the payment provider; task queue ``payments``.

The order of things in each activity: what we have recorded, then what the provider knows by the
order's key, then the call, then the append. So it may be repeated after any interruption.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from temporalio import activity

from activities.failures import refused, translated
from activities.keys import capture_key
from activities.messages import (
    NOTHING,
    CompensationRequest,
    CompensationResult,
    PaymentResult,
    SettlePayment,
    StepRequest,
)
from activities.orders.trail import complete, first_run, live_label, skus_of, submitted_order
from activities.payments.charge import Charging
from activities.payments.refunds import PaymentUndo, Settling
from activities.ports import (
    OutcomeUnknown,
    PaymentGateway,
    PaymentStatus,
    ProviderPayment,
)
from activities.unit_of_work import (
    Slot,
    Work,
    command_context,
    folds,
    fulfillment_slot,
    may_have_run,
    order_slot,
    payment_slot,
    read,
    shipment_slot,
    stock_slot,
)
from domain.ids import OrderId
from domain.money import Money
from domain.order.commands import StartProcessing
from domain.order.state import FrozenOrder, Processing
from domain.payment import payment
from domain.payment.commands import RecordAuthorisation, RecordCapture, RecordDecline, RecordVoid
from domain.payment.payment import PaymentState
from domain.values import CaptureMode, Reason
from eventstore.commands.folding import Loaded
from eventstore.commands.handler import CommandHandler, Decision


class PaymentActivities:
    """Charge, capture and give back."""

    def __init__(self, handler: CommandHandler, gateway: PaymentGateway) -> None:
        self._handler = handler
        self._gateway = gateway
        self._charging = Charging(gateway)
        self._undo = PaymentUndo(handler, gateway)
        self._settling = Settling(handler, gateway)

    @activity.defn
    async def process_payment(self, request: StepRequest) -> PaymentResult:
        """Take the order's total, or hold it if the order is captured on shipment.

        Raises:
            ApplicationError: payment_declined (recorded), payment_unavailable, not_fulfillable;
                unavailable or unknown_outcome, to be tried again.
        """
        with translated(Reason.PAYMENT_UNAVAILABLE):
            trail = fulfillment_slot(request.order_id)
            order, known, work = await self._load(request.order_id, trail)
            if done := _already_paid(known):
                await self._record(request, None)
                return replace(done, overpaid=_is_overpaid(order, known))
            # Before an amendment, an attempt may have charged more under the same key.
            asked_before = may_have_run(request.saga, first_run(work.state(trail)))
            look_first = asked_before or order.amended_from is not None
            mode = order.payment.capture
            answer = await self._charging.charge(order, mode, look_first=look_first)
            await self._record(request, answer)
            accepted = _accepted(answer)
        return replace(accepted, overpaid=accepted.captured and order.total < answer.amount)

    @activity.defn
    async def capture_payment(self, request: StepRequest) -> PaymentResult:
        """Take the order's total of the money that is held, and complete the order.

        An authorisation that has expired is replaced by a charge of the whole amount.

        Raises:
            ApplicationError: payment_declined, payment_unavailable, not_fulfillable; unavailable
                or unknown_outcome, to be tried again.
        """
        with translated(Reason.PAYMENT_UNAVAILABLE):
            order, known, _ = await self._load(request.order_id)
            answer = None
            if isinstance(known, payment.Authorised):
                answer = await self._take(order, known)
                if answer.status is PaymentStatus.DECLINED:
                    await self._record_declined_capture(request, known, answer)
            else:
                _already_paid(known)
            captured = await self._record_capture(request, answer)
        return PaymentResult(captured.reference, captured=True)

    @activity.defn
    async def undo_payment(self, request: CompensationRequest) -> CompensationResult:
        """Give the money back, or the authorisation, as the provider's own state says.

        Raises:
            ApplicationError: unavailable or unknown_outcome, to be tried again; a refusal of the
                provider, for a person to look at.
        """
        with translated(Reason.PAYMENT_UNAVAILABLE):
            return await self._undo.undo(request)

    @activity.defn
    async def settle_payment(self, request: SettlePayment) -> CompensationResult:
        """Give back what was captured beyond the total of an order that was amended since.

        Money that is only held needs nothing: capturing takes the total and lets the rest go.

        Raises:
            ApplicationError: unavailable or unknown_outcome, to be tried again; a refusal of the
                provider, for a person to look at.
        """
        with translated(Reason.PAYMENT_UNAVAILABLE):
            order, known, _ = await self._load(request.order_id)
            if isinstance(known, payment.Captured) and _is_overpaid(order, known):
                return await self._settling.settle(request, order, known)
        return CompensationResult(NOTHING)

    async def _load(
        self, order_id: OrderId, *more: Slot[Any, Any]
    ) -> tuple[FrozenOrder, PaymentState, Work]:
        order, paid = order_slot(order_id), payment_slot(order_id)
        work = await read(self._handler, order, paid, *more)
        return submitted_order(work.state(order), order_id), work.state(paid), work

    async def _take(self, order: FrozenOrder, known: payment.Authorised) -> ProviderPayment:
        """The provider's answer to the capture, or to the charge that replaces what expired."""
        answer = await self._capture(known, min(known.amount, order.total))
        if answer.status is not PaymentStatus.EXPIRED:
            return answer
        return await self._charging.charge(order, CaptureMode.AUTOMATIC, look_first=True)

    async def _capture(self, known: payment.Authorised, amount: Money) -> ProviderPayment:
        key = capture_key(known.order_id)
        try:
            return await self._gateway.capture(known.reference, amount, key)
        except OutcomeUnknown:
            made = await self._gateway.find(known.idempotency_key)
            if made and made.status in (PaymentStatus.CAPTURED, PaymentStatus.EXPIRED):
                return made
            raise

    async def _record(self, request: StepRequest, answer: ProviderPayment | None) -> None:
        order_id = request.order_id

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[None]:
            work = Work(loaded)
            if answer:
                record_charge(work, answer)
            known = work.state(payment_slot(order_id))
            if isinstance(known, payment.Authorised | payment.Captured):
                work.tell(order_slot(order_id), StartProcessing(known.reference))
            return work.decision(None)

        slots = folds(order_slot(order_id), payment_slot(order_id))
        await self._handler.execute(slots, decide, command_context(request.saga, "charged"))

    async def _record_declined_capture(
        self, request: StepRequest, known: payment.Authorised, answer: ProviderPayment
    ) -> NoReturn:
        slot = payment_slot(known.order_id)
        same = answer.reference == known.reference
        key = capture_key(known.order_id) if same else answer.idempotency_key
        code = answer.decline_code or "declined"

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[None]:
            work = Work(loaded)
            replace_expired(work, answer)
            work.tell(slot, RecordDecline(known.order_id, known.amount, code, key))
            return work.decision(None)

        context = command_context(request.saga, "declined")
        await self._handler.execute(folds(slot), decide, context)
        raise refused(Reason.PAYMENT_DECLINED, _declined_text(answer))

    async def _record_capture(
        self, request: StepRequest, answer: ProviderPayment | None
    ) -> payment.Captured:
        order_id = request.order_id
        slot = order_slot(order_id)
        skus = skus_of((await self._handler.load(slot.stream, slot.aggregate.fold)).state)

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[payment.Captured]:
            work = Work(loaded)
            if answer:
                replace_expired(work, answer)
                record_charge(work, answer)
            known = work.state(payment_slot(order_id))
            label = live_label(work, order_id)
            if not isinstance(known, payment.Captured) or label is None:
                raise refused(Reason.NOT_FULFILLABLE, "captured needs a payment and a live label")
            if isinstance(work.state(slot), Processing):
                complete(work, order_id, skus, label.tracking_number)
            return work.decision(known)

        slots = folds(
            slot,
            payment_slot(order_id),
            shipment_slot(order_id),
            fulfillment_slot(order_id),
            *(stock_slot(sku) for sku in skus),
        )
        context = command_context(request.saga, "captured")
        return await self._handler.execute(slots, decide, context)


def replace_expired(work: Work, answer: ProviderPayment) -> None:
    """Record that an authorisation is gone which another payment stands in for."""
    slot = payment_slot(answer.order_id)
    known = work.state(slot)
    if isinstance(known, payment.Authorised) and known.reference != answer.reference:
        work.tell(slot, RecordVoid(answer.order_id, known.reference))


def record_charge(work: Work, answer: ProviderPayment) -> None:
    """Record what the provider says of a charge, as far as it is not known."""
    order_id, slot = answer.order_id, payment_slot(answer.order_id)
    key = answer.idempotency_key
    match answer.status:
        case PaymentStatus.AUTHORISED:
            work.tell(slot, RecordAuthorisation(order_id, answer.amount, answer.reference, key))
        case PaymentStatus.CAPTURED:
            work.tell(slot, RecordCapture(order_id, answer.amount, answer.reference, key))
        case PaymentStatus.DECLINED:
            code = answer.decline_code or "declined"
            work.tell(slot, RecordDecline(order_id, answer.amount, code, key))
        case _:
            raise refused(
                Reason.NOT_FULFILLABLE, f"the order's payment was {answer.status} at the provider"
            )


def _already_paid(known: PaymentState) -> PaymentResult | None:
    match known:
        case payment.Authorised() | payment.Captured():
            return PaymentResult(known.reference, isinstance(known, payment.Captured))
        case payment.Declined():
            raise refused(Reason.PAYMENT_DECLINED, f"the payment was declined: {known.code}")
        case payment.Voided():
            raise refused(Reason.NOT_FULFILLABLE, "the order's payment was voided before")
        case payment.NoPayment():
            return None


def _is_overpaid(order: FrozenOrder, known: PaymentState) -> bool:
    return isinstance(known, payment.Captured) and order.total < known.refundable


def _accepted(answer: ProviderPayment) -> PaymentResult:
    if answer.status is PaymentStatus.DECLINED:
        raise refused(Reason.PAYMENT_DECLINED, _declined_text(answer))
    return PaymentResult(answer.reference, answer.status is PaymentStatus.CAPTURED)


def _declined_text(answer: ProviderPayment) -> str:
    return f"the payment was declined: {answer.decline_code or 'no reason given'}"
