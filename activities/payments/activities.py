"""Activities of the saga that charge and capture; task queue ``payments``.

Each activity first reads what is recorded, then asks the provider what it knows under the order's
key, then calls the provider, then appends. So it can be repeated after any interruption.
"""

from dataclasses import replace
from typing import NoReturn

from temporalio import activity

from activities import ports, unit_of_work
from activities.aggregates import FULFILLMENT, ORDER, PAYMENT, SHIPMENT, STOCK, streams_of
from activities.failures import refusal
from activities.messages import PaymentResult, Shortage, StepRequest
from activities.orders.trail import complete, require_forward, scan_of, tracking_number_of
from activities.payments.own import OrderPayments, OwnPayment, OwnPayments
from activities.payments.refunds import release
from activities.shortfall import shortage_of
from activities.unit_of_work import UnitOfWork, command_context, if_time_is_left, load, transact
from domain.ids import OrderId
from domain.order.commands import StartProcessing
from domain.order.state import Backordered, Completed, FrozenOrder, Processing, submitted_order
from domain.payment import payment
from domain.payment.commands import RecordAuthorisation, RecordCapture, RecordDecline, RecordVoid
from domain.saga.trail import first_run
from domain.values import CaptureMode, Reason
from eventstore.commands.handler import CommandHandler


class PaymentActivities:
    """Charge and capture."""

    def __init__(self, handler: CommandHandler, payments: OwnPayments) -> None:
        self._handler = handler
        self._payments = payments

    @activity.defn
    async def process_payment(self, request: StepRequest) -> PaymentResult | Shortage:
        """Capture the order's total, or authorise it if the order is captured on shipment.

        If nothing is to be paid, the provider is not asked. An order of which nothing is shipped
        is completed.

        Returns:
            Or what the order waits for, if a count has taken reserved pieces away.

        Raises:
            ApplicationError: payment_declined (recorded), not_fulfillable or not_ours.
        """
        trail = FULFILLMENT.stream(request.order_id)
        order, paid, unit = await self._load(request.order_id)
        if short := await self._shortage(unit, request.order_id):
            return short
        payments = await self._payments.of(order)
        if result := _already_paid(paid):
            if request.settled_by is None:
                payments.check_recorded(paid)
            completed = await self._record_charge(request, order, None)
            overpaid = payment.is_overpaid(paid, order.total)
            return replace(result, overpaid=overpaid, order_completed=completed)
        if order.is_free:
            completed = await self._record_charge(request, order, None)
            return PaymentResult(None, captured=False, order_completed=completed)
        may_have_charged = unit_of_work.may_have_run(request.saga, first_run(unit.state(trail)))
        # Before an amendment, an attempt may have charged more under the same key.
        look_first = may_have_charged or order.is_amended
        past_others = request.settled_by is not None
        answer = await find_or_charge(
            payments, order.capture, look_first=look_first, past_others=past_others
        )
        completed = await self._record_charge(request, order, answer)
        result = _accepted(answer)
        overpaid = result.captured and order.total < answer.amount
        return replace(result, overpaid=overpaid, order_completed=completed)

    @activity.defn
    async def capture_payment(self, request: StepRequest) -> PaymentResult | Shortage:
        """Capture the order's total and complete the order.

        An authorisation that has expired is replaced by a charge of the whole amount; that of an
        order that costs nothing any more is released.

        Returns:
            What the order waits for, if a count has taken reserved pieces away.

        Raises:
            ApplicationError: payment_declined, not_fulfillable or not_ours.
        """
        order, paid, unit = await self._load(request.order_id)
        if short := await self._shortage(unit, request.order_id):
            return short
        answer = None
        if isinstance(paid, payment.Authorised) and order.is_free:
            payments = await self._payments.of(order)
            answer = await release(payments, paid)
        elif isinstance(paid, payment.Authorised):
            payments = await self._payments.of(order)
            answer = await self._capture_or_charge(payments, order, paid, request)
            if answer.status is ports.PaymentStatus.DECLINED:
                await self._record_declined_capture(request, paid, answer)
        elif not order.is_free:
            _already_paid(paid)
        recorded = await self._record_capture(request, order, answer)
        return recorded or await self.capture_payment(request)

    async def _shortage(self, unit: UnitOfWork, order_id: OrderId) -> Shortage | None:
        if not isinstance(unit.state(ORDER.stream(order_id)), Backordered):
            return None
        return await shortage_of(self._handler, order_id)

    async def _load(
        self, order_id: OrderId
    ) -> tuple[FrozenOrder, payment.PaymentState, UnitOfWork]:
        order, paid = ORDER.stream(order_id), PAYMENT.stream(order_id)
        unit = await load(self._handler, order, paid, FULFILLMENT.stream(order_id))
        require_forward(unit, order_id)
        return submitted_order(unit.state(order), order_id), unit.state(paid), unit

    async def _capture_or_charge(
        self,
        payments: OrderPayments,
        order: FrozenOrder,
        authorised: payment.Authorised,
        request: StepRequest,
    ) -> OwnPayment:
        past_others = request.settled_by is not None
        try:
            answer = await _capture(payments, order, authorised, _declines(authorised, request))
        except ports.NotOurs:
            if not past_others:
                raise
        else:
            if answer.status is not ports.PaymentStatus.EXPIRED:
                return answer
        return await find_or_charge(
            payments, CaptureMode.AUTOMATIC, look_first=True, past_others=past_others
        )

    async def _record_charge(
        self, request: StepRequest, content: FrozenOrder, answer: OwnPayment | None
    ) -> bool:
        """Record the payment; returns whether that completed the order."""
        order_id = request.order_id
        order, paid = ORDER.stream(order_id), PAYMENT.stream(order_id)

        def rule(unit: UnitOfWork) -> bool:
            if isinstance(unit.state(order), Completed):
                return True  # by an attempt whose answer was lost
            if answer:
                _record_answer(unit, answer)
            state = unit.state(paid)
            if isinstance(state, payment.Authorised | payment.Captured):
                unit.execute(order, StartProcessing(state.reference))
            elif content.is_free:
                unit.execute(order, StartProcessing(None))
            is_paid = content.is_free or isinstance(state, payment.Captured)
            if is_paid and not content.skus and isinstance(unit.state(order), Processing):
                complete(unit, order_id, (), None)
            return isinstance(unit.state(order), Completed)

        trail = () if content.skus else (FULFILLMENT.stream(order_id),)
        context = command_context(request.saga, "charged")
        return await transact(self._handler, (order, paid, *trail), rule, context)

    async def _record_declined_capture(
        self, request: StepRequest, authorised: payment.Authorised, answer: OwnPayment
    ) -> NoReturn:
        order_id, paid = authorised.order_id, PAYMENT.stream(authorised.order_id)
        is_same = answer.reference == authorised.reference
        declines = _declines(authorised, request)
        capture = f"{answer.idempotency_key}:capture{f'-{declines + 1}' if declines else ''}"
        key = capture if is_same else answer.idempotency_key
        code = answer.decline_code or "declined"

        def rule(unit: UnitOfWork) -> None:
            _record_expiry(unit, answer)
            unit.execute(paid, RecordDecline(order_id, authorised.amount, code, key))

        context = command_context(request.saga, "declined")
        await transact(self._handler, (paid,), rule, context)
        raise _declined(answer.decline_code)

    async def _record_capture(
        self, request: StepRequest, content: FrozenOrder, answer: OwnPayment | None
    ) -> PaymentResult | None:
        """Record the capture and complete the order.

        None: a count has taken reserved pieces away meanwhile; the order is not completed.
        """
        order_id, skus = request.order_id, content.skus
        order, paid = ORDER.stream(order_id), PAYMENT.stream(order_id)

        def rule(unit: UnitOfWork) -> PaymentResult | None:
            if answer and answer.status is ports.PaymentStatus.VOIDED:
                unit.execute(paid, RecordVoid(order_id, answer.reference))
            elif answer:
                _record_expiry(unit, answer)
                _record_answer(unit, answer)
            state, tracking_number = unit.state(paid), tracking_number_of(unit, content)
            if not (content.is_free or isinstance(state, payment.Captured)):
                raise refusal(Reason.NOT_FULFILLABLE, "a capture needs a payment")
            if isinstance(unit.state(order), Backordered):
                return None
            if isinstance(unit.state(order), Processing):
                complete(unit, order_id, skus, tracking_number)
            reference = state.reference if isinstance(state, payment.Captured) else None
            scan = scan_of(unit, order_id)
            return PaymentResult(reference, captured=not content.is_free, scan=scan)

        own = streams_of(order_id, ORDER, PAYMENT, SHIPMENT, FULFILLMENT)
        context = command_context(request.saga, "captured")
        return await transact(self._handler, (*own, *STOCK.streams(skus)), rule, context)


async def _capture(
    payments: OrderPayments, order: FrozenOrder, authorised: payment.Authorised, declines: int
) -> OwnPayment:
    own = await payments.recorded(authorised)
    try:
        return await payments.capture(own, min(authorised.amount, order.total), declines)
    except ports.OutcomeUnknown:
        answer = await if_time_is_left(payments.recorded(authorised))
        if answer and answer.status in (ports.PaymentStatus.CAPTURED, ports.PaymentStatus.EXPIRED):
            return answer
        raise


def _declines(authorised: payment.Authorised, request: StepRequest) -> int:
    """After how many declined captures another one is asked for; a repeated request is no other."""
    return len(authorised.capture_declines) if request.again else 0


def _record_expiry(unit: UnitOfWork, answer: OwnPayment) -> None:
    """Record the end of an authorisation that another payment has replaced."""
    paid = PAYMENT.stream(answer.order_id)
    state = unit.state(paid)
    if isinstance(state, payment.Authorised) and state.reference != answer.reference:
        unit.execute(paid, RecordVoid(answer.order_id, state.reference))


def _record_answer(unit: UnitOfWork, answer: OwnPayment) -> None:
    """Record the provider's answer to a charge or capture."""
    order_id, paid, key = answer.order_id, PAYMENT.stream(answer.order_id), answer.idempotency_key
    match answer.status:
        case ports.PaymentStatus.AUTHORISED:
            unit.execute(paid, RecordAuthorisation(order_id, answer.amount, answer.reference, key))
        case ports.PaymentStatus.CAPTURED:
            unit.execute(paid, RecordCapture(order_id, answer.amount, answer.reference, key))
        case ports.PaymentStatus.DECLINED:
            code = answer.decline_code or "declined"
            unit.execute(paid, RecordDecline(order_id, answer.amount, code, key))
        case _:
            raise refusal(
                Reason.NOT_FULFILLABLE, f"the order's payment was {answer.status} at the provider"
            )


def _already_paid(paid: payment.PaymentState) -> PaymentResult | None:
    match paid:
        case payment.Authorised() | payment.Captured():
            return PaymentResult(paid.reference, isinstance(paid, payment.Captured))
        case payment.Declined():
            raise _declined(paid.code)
        case payment.Voided():
            raise refusal(Reason.NOT_FULFILLABLE, "the order's payment has been voided")
        case payment.NoPayment():
            return None


def _accepted(answer: OwnPayment) -> PaymentResult:
    if answer.status is ports.PaymentStatus.DECLINED:
        raise _declined(answer.decline_code)
    return PaymentResult(answer.reference, answer.status is ports.PaymentStatus.CAPTURED)


def _declined(code: str | None) -> Exception:
    reason = code or "no reason given"
    return refusal(Reason.PAYMENT_DECLINED, f"the payment was declined: {reason}")


async def find_or_charge(
    payments: OrderPayments,
    capture: CaptureMode,
    *,
    look_first: bool,
    past_others: bool,
) -> OwnPayment:
    """The order's payment at the provider; if there is none, or it has expired, charge now.

    Args:
        payments: the order's; the caller records the result.
        capture: whether a new payment is captured at once.
        look_first: whether a payment may have been made before.
        past_others: whether to go on with the next key if somebody else has used one.

    Raises:
        GatewayError: see the port; NotOurs: somebody else has used the key.
        ApplicationError: payment_declined: every authorisation has expired.
    """
    others: ports.NotOurs | None = None
    for key in payments.keys.payments:
        try:
            own = await payments.find(key) if look_first else None
            own = own or await payments.charge(key, capture)
        except ports.NotOurs as error:
            if not past_others:
                raise
            others = error
        else:
            if own.status is not ports.PaymentStatus.EXPIRED:
                return own
        look_first = True
    raise others or refusal(Reason.PAYMENT_DECLINED, "every authorisation has expired")
