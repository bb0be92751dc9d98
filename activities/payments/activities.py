"""Activities of the saga that take the money; task queue ``payments``.

A payment is made in two acts: it is created, its reference is recorded, and then it is confirmed by
that reference. Each activity first reads what is recorded. So it can be repeated after any
interruption, and looks by reference at what an earlier attempt may have done.
"""

from typing import Final

from temporalio import activity

from activities import ports
from activities.aggregates import FULFILLMENT, ORDER, PAYMENT, SHIPMENT, STOCK, streams_of
from activities.failures import refusal
from activities.messages import PaymentResult, Shortage, StepRequest
from activities.orders.trail import complete, require_forward, scan_of, tracking_number_of
from activities.payment_port import PaymentStatus
from activities.payments.another import ask_for_another, asked
from activities.payments.claiming import Claiming
from activities.payments.own import OrderPayments, OwnPayment, OwnPayments
from activities.payments.recording import record_answer
from activities.payments.results import accepted, declined, result_of
from activities.payments.undo import ended, has_taken, release
from activities.shortfall import shortage_of
from activities.unit_of_work import UnitOfWork, command_context, load, transact
from domain.ids import OrderId
from domain.order.commands import StartProcessing
from domain.order.state import Backordered, Completed, FrozenOrder, Processing, submitted_order
from domain.payment import commands
from domain.payment import state as payment
from domain.saga.trail import Underway
from domain.values import PaymentDue, Reason
from eventstore.commands.handler import CommandHandler

_OVER: Final = (payment.Declined, payment.Voided, payment.NotClaimed)
_KEYS_AT_ONCE: Final = 3
"""So many keys are tried in one attempt; the next attempt goes on where this one stopped."""


class PaymentActivities:
    """Take or hold the money, and capture what is held."""

    def __init__(self, handler: CommandHandler, payments: OwnPayments) -> None:
        self._handler = handler
        self._payments = payments

    @activity.defn
    async def process_payment(self, request: StepRequest) -> PaymentResult | Shortage | PaymentDue:
        """Capture the order's total, or authorise it if the order is captured on shipment.

        A payment that the shop confirmed at checkout is taken up for that, and never confirmed.
        If nothing is to be paid, the provider is not asked. An order of which nothing is shipped
        is completed.

        Returns:
            Or what the order waits for: reserved pieces that a count has taken away, or another
            payment, because this one was declined and the order asks for another one.

        Raises:
            ApplicationError: payment_declined (recorded), not_fulfillable or not_ours.
        """
        order, paid, unit = await self._load(request.order_id)
        if short := await self._shortage(unit, request.order_id):
            return short
        payments = await self._payments.of(order)
        paid, answer = await self._first_act(request, payments, order, unit)
        if isinstance(paid, payment.Prepared) and paid.claimed:
            answer = await payments.take(paid)
        elif isinstance(paid, payment.Prepared) and order.is_free:
            answer = await release(payments, paid)
        elif isinstance(paid, payment.Prepared):
            answer = await _confirmed(payments, paid, answer)
        elif isinstance(paid, payment.Authorised | payment.Captured):
            if request.settled_by is None:
                payments.check_recorded(paid)
            answer = None
        if answer and answer.status is PaymentStatus.REFUNDED:
            return await self._record_over(request, answer)
        charged = await self._record_charge(request, order, answer)
        return charged if isinstance(charged, PaymentDue) else result_of(charged, order)

    @activity.defn
    async def capture_payment(self, request: StepRequest) -> PaymentResult | Shortage | PaymentDue:
        """Capture the order's total and complete the order.

        The authorisation of an order that costs nothing any more is released.

        Returns:
            Or what the order waits for: reserved pieces that a count has taken away, or another
            payment, because this one gives nothing and the order asks for another one. If the
            parcel has left, none is asked for.

        Raises:
            ApplicationError: payment_declined, also if the authorisation has lapsed: what the
                customer authorised once is not authorised again; not_fulfillable or not_ours.
        """
        order, paid, unit = await self._load(request.order_id)
        if short := await self._shortage(unit, request.order_id):
            return short
        answer = None
        if isinstance(paid, payment.Authorised) and order.is_free:
            answer = await release(await self._payments.of(order), paid)
        elif isinstance(paid, payment.Authorised):
            payments = await self._payments.of(order)
            answer = await _captured(payments, order, paid, request)
            if answer.status is PaymentStatus.DECLINED:
                return await self._record_declined_capture(request, paid, answer)
            if answer.status is not PaymentStatus.CAPTURED:
                return await self._record_over(request, answer)
        elif isinstance(paid, _OVER) and not order.is_free:
            return await self._record_over(request, None)
        else:
            accepted(paid, order)
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

    # --- the first act ---------------------------------------------------------------------------

    async def _first_act(
        self,
        request: StepRequest,
        payments: OrderPayments,
        order: FrozenOrder,
        unit: UnitOfWork,
    ) -> tuple[payment.PaymentState, OwnPayment | None]:
        """The payment, created and recorded if there is none; and the answer, if it was asked."""
        paid = unit.state(PAYMENT.stream(request.order_id))
        if isinstance(paid, _OVER) and order.has_another_payment:
            if not isinstance(paid, payment.NotClaimed):
                own = await ended(payments, paid)
                if has_taken(own):
                    return paid, own
            key = payments.keys.payment_after(paid.idempotency_key)
            await self._take_key(request, key)
            paid = payment.NoPayment(key)
        if not isinstance(paid, payment.NoPayment):
            return paid, None
        if order.confirmed is not None:
            claiming = Claiming(self._handler, request.saga, request.order_id)
            return await claiming.claim(payments, order.confirmed, paid), None
        if order.is_free:
            return paid, None
        trail = unit.state(FULFILLMENT.stream(request.order_id))
        look_first = isinstance(trail, Underway) and trail.run_id != request.saga.run_id
        created = await self._create(request, payments, order, paid, look_first=look_first)
        return await self._record_preparation(request, created), created

    async def _create(
        self,
        request: StepRequest,
        payments: OrderPayments,
        order: FrozenOrder,
        nothing: payment.NoPayment,
        *,
        look_first: bool,
    ) -> OwnPayment:
        """Create the payment; under another key, recorded before, if one is used up.

        So it is also past what somebody else has under a key, once an operator has looked at that.
        `look_first`: another run of the saga may have paid, in events that a restored database does
        not have, and so long ago that the provider has forgotten the key.
        """
        key = nothing.idempotency_key or payments.keys.payment
        for _ in range(_KEYS_AT_ONCE):
            try:
                return await payments.create(key, order.capture, look_first=look_first)
            except ports.NotOurs:
                if request.settled_by is None:
                    raise
            except ports.KeyUsedUp:
                pass
            key = payments.keys.payment_after(key)
            await self._take_key(request, key)
        raise ports.OutcomeUnknown("the provider answers every key with an earlier failure")

    async def _take_key(self, request: StepRequest, key: str) -> None:
        paid = PAYMENT.stream(request.order_id)
        command = commands.TakeKey(request.order_id, key)
        await transact(
            self._handler,
            (paid,),
            lambda unit: unit.execute(paid, command),
            command_context(request.saga, key),
            if_done=lambda _: None,
        )

    async def _record_preparation(
        self, request: StepRequest, own: OwnPayment
    ) -> payment.PaymentState:
        """Record the reference, unless another one is; the payment as it stands then."""
        order_id, paid = request.order_id, PAYMENT.stream(request.order_id)
        command = commands.RecordPreparation(
            order_id, own.asked, own.reference, own.idempotency_key
        )

        def rule(unit: UnitOfWork) -> payment.PaymentState:
            if isinstance(unit.state(paid), payment.NoPayment):
                unit.execute(paid, command)
            return unit.state(paid)

        return await transact(
            self._handler,
            (paid,),
            rule,
            command_context(request.saga, own.reference),
            if_done=lambda unit: unit.state(paid),
        )

    # --- what is recorded ------------------------------------------------------------------------

    async def _record_charge(
        self, request: StepRequest, content: FrozenOrder, answer: OwnPayment | None
    ) -> PaymentDue | tuple[payment.PaymentState, bool]:
        """Record the payment; as it stands then, and whether that ended the order.

        Or that another one is due.
        """
        order_id = request.order_id
        order, paid = ORDER.stream(order_id), PAYMENT.stream(order_id)
        now = activity.info().current_attempt_scheduled_time

        def rule(unit: UnitOfWork) -> PaymentDue | tuple[payment.PaymentState, bool]:
            if isinstance(unit.state(order), Completed):
                return unit.state(paid), True  # by an attempt whose answer was lost
            if answer:
                record_answer(unit, answer)
            state = unit.state(paid)
            if due := asked(unit, order_id, state, now):
                return due
            is_free = content.is_free and not isinstance(state, payment.NotClaimed)
            if isinstance(state, payment.Authorised | payment.Captured):
                unit.execute(order, StartProcessing(state.reference))
            elif is_free:
                unit.execute(order, StartProcessing(None))
            is_paid = is_free or isinstance(state, payment.Captured)
            if is_paid and not content.skus and isinstance(unit.state(order), Processing):
                complete(unit, order_id, (), None)
            return state, isinstance(unit.state(order), Completed)

        trail = () if content.skus else (FULFILLMENT.stream(order_id),)
        context = command_context(request.saga, "charged")
        return await transact(self._handler, (order, paid, *trail), rule, context)

    async def _record_declined_capture(
        self, request: StepRequest, authorised: payment.Authorised, answer: OwnPayment
    ) -> PaymentDue:
        """Record that the bank did not pay; ask for another payment, or refuse the order."""
        order_id, paid = authorised.order_id, PAYMENT.stream(authorised.order_id)
        declines = len(authorised.capture_declines) if request.again else 0
        code = answer.decline_code or "declined"
        key = f"{answer.idempotency_key}:capture{f'-{declines + 1}' if declines else ''}"
        decline = commands.RecordDecline(order_id, authorised.amount, code, key)
        now = activity.info().current_attempt_scheduled_time

        def rule(unit: UnitOfWork) -> PaymentDue | None:
            unit.execute(paid, decline)
            return None if request.again else ask_for_another(unit, order_id, code, now)

        streams, context = (ORDER.stream(order_id), paid), command_context(request.saga, "declined")
        if due := await transact(self._handler, streams, rule, context):
            return due
        raise declined(code)

    async def _record_over(self, request: StepRequest, answer: OwnPayment | None) -> PaymentDue:
        """Record that the payment is over; ask for another one, or refuse the order."""
        order_id, paid = request.order_id, PAYMENT.stream(request.order_id)
        now = activity.info().current_attempt_scheduled_time

        def rule(unit: UnitOfWork) -> PaymentDue | None:
            if answer:
                record_answer(unit, answer)
            return None if request.again else asked(unit, order_id, unit.state(paid), now)

        streams, context = (ORDER.stream(order_id), paid), command_context(request.saga, "over")
        if due := await transact(self._handler, streams, rule, context):
            return due
        status = answer.status if answer else "declined or ended before"
        raise refusal(Reason.PAYMENT_DECLINED, f"the order's payment is over: {status}")

    async def _record_capture(
        self, request: StepRequest, content: FrozenOrder, answer: OwnPayment | None
    ) -> PaymentResult | None:
        """Record the capture and complete the order.

        None: a count has taken reserved pieces away meanwhile; the order is not completed.
        """
        order_id, skus = request.order_id, content.skus
        order, paid = ORDER.stream(order_id), PAYMENT.stream(order_id)

        def rule(unit: UnitOfWork) -> PaymentResult | None:
            if answer:
                record_answer(unit, answer)
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


async def _confirmed(
    payments: OrderPayments, prepared: payment.Prepared, created: OwnPayment | None
) -> OwnPayment:
    """Confirm the payment that is recorded, unless it is known as confirmed.

    `created` is the answer to its creation just now; without it an earlier attempt created it, and
    may have confirmed it.
    """
    own = created
    if own is None or own.reference != prepared.reference:
        own = await payments.recorded(prepared)
    if own.status is PaymentStatus.UNCONFIRMED:
        own = await payments.confirm(prepared)
    return own


async def _captured(
    payments: OrderPayments,
    order: FrozenOrder,
    authorised: payment.Authorised,
    request: StepRequest,
) -> OwnPayment:
    try:
        return await payments.capture(authorised, min(authorised.amount, order.total))
    except ports.NotOurs as error:
        if request.settled_by is None:
            raise
        raise refusal(Reason.PAYMENT_DECLINED, f"nothing can be captured: {error}") from None
