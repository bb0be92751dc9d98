"""In-memory providers for tests, demo and benchmarks, with injected faults.

    payments = FakePaymentGateway()
    payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="confirm", times=1))

They behave like the sandboxes, refusals included, but keep nothing beyond the process.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import datetime

from activities.payment_port import PaymentRequest, ProviderPayment, ProviderRefund
from activities.ports import CarrierLabel, GatewayRejected, Identity, LabelRequest
from adapters.providers import payment_rules, rules
from adapters.providers.fake_provider import Call, FakeProvider
from adapters.providers.faults import FaultPlan
from adapters.providers.payment_rules import KeptPayment, SandboxLimits
from adapters.providers.rules import ServedArea
from domain.ids import OrderId
from domain.money import Money
from domain.values import CaptureMode


class FakePaymentGateway(FakeProvider[KeptPayment]):
    """An in-memory payment provider with its ledger.

    Args:
        declines: card tokens that are declined, with their decline codes.
        faults: injected faults; more can be added to `faults` at any time.
        latency_s: seconds that each call takes.
        clock: the time, for when authorisations lapse; None: they never do.
    """

    def __init__(
        self,
        declines: Mapping[str, str] = payment_rules.DECLINING_TOKENS,
        *,
        faults: FaultPlan | None = None,
        latency_s: float = 0.0,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__(faults, latency_s)
        self.declines = dict(declines)
        self.limits = SandboxLimits()
        self.clock = clock

    async def create(self, request: PaymentRequest) -> ProviderPayment:
        """Create a payment; the same key returns it again."""
        call = Call("create", request.order_id, request.idempotency_key)
        fingerprint = payment_rules.request_fingerprint(request)
        return (await self._change(call, fingerprint, lambda: self._created(request))).seen

    def _created(self, request: PaymentRequest) -> KeptPayment:
        return self._add(payment_rules.create(request, self.declines))

    async def confirm(self, reference: str) -> ProviderPayment:
        """Authorise or capture a payment that was created."""
        now = self.clock() if self.clock else None
        confirmed = await self._apply(
            "confirm", reference, lambda payment: payment_rules.confirm(payment, now)
        )
        return confirmed.seen

    async def find(self, idempotency_key: str) -> ProviderPayment | None:
        """The payment in its current state, or None if the key was never used."""
        payment = await self._find(idempotency_key)
        return payment.seen if payment else None

    async def read(self, reference: str) -> ProviderPayment:
        """The payment with a reference."""
        payment = self._record(reference)
        call = Call("read", payment.order_id, payment.idempotency_key)
        await self._call(call, lambda: None)
        return self._record(reference).seen

    async def claim(self, reference: str, identity: Identity) -> ProviderPayment:
        """Write whose it is into a payment that has no key."""
        return (
            await self._apply(
                "claim", reference, lambda payment: payment_rules.claim(payment, identity)
            )
        ).seen

    def checkout(
        self,
        amount: Money,
        capture: CaptureMode = CaptureMode.AUTOMATIC,
        token: str = "tok_visa",  # noqa: S107  no secret
        order: str = "",
    ) -> ProviderPayment:
        """A payment that the shop confirms at its checkout; it may name its order."""
        reference = f"pay_checkout_{len(self._records) + 1}"
        now = self.clock() if self.clock else None
        payment = payment_rules.checkout(reference, amount, token, capture, self.declines, now)
        named = replace(payment, seen=replace(payment.seen, order_id=OrderId(order)))
        return self._add(named).seen

    async def capture(self, reference: str, amount: Money) -> ProviderPayment:
        """Capture at most the authorised amount; a payment that is over is returned."""
        order_id = self._record(reference).order_id
        decision = self.faults.bank_decision("capture", order_id, reference)
        captured = await self._apply(
            "capture",
            reference,
            lambda payment: payment_rules.capture(payment, amount, decision),
            payment_rules.kept_after,
        )
        return captured.seen

    async def void(self, reference: str) -> ProviderPayment:
        """End a payment that was not captured; a payment that is over is returned."""
        return (await self._apply("void", reference, payment_rules.void)).seen

    async def refund(self, reference: str, amount: Money, idempotency_key: str) -> ProviderRefund:
        """Refund captured money, once per key."""
        order_id, key = self._record(reference).order_id, idempotency_key
        decision = self.faults.bank_decision("refund", order_id, key)
        payment = await self._apply(
            "refund",
            reference,
            lambda payment: payment_rules.refund(payment, amount, key, decision),
            key=key,
        )
        return next(one for one in payment.refunds if one.idempotency_key == key)

    async def refunds(self, reference: str) -> tuple[ProviderRefund, ...]:
        """Every refund of a payment, oldest first."""
        return (await self._looked_at("refunds", reference)).refunds

    async def read_refund(self, reference: str, refund_id: str) -> ProviderRefund:
        """The refund of a payment with the provider's id."""
        payment = await self._looked_at("read_refund", reference)
        refund = next((one for one in payment.refunds if one.refund_id == refund_id), None)
        if refund is None:
            raise GatewayRejected("unknown_reference: there is no such refund")
        return refund

    async def _looked_at(self, operation: str, reference: str) -> KeptPayment:
        kept, decision = self._record(reference), None
        if kept.awaits_the_bank:
            decision = self.faults.bank_decision("refund", kept.order_id, reference)
        return await self._apply(
            operation, reference, lambda payment: payment_rules.look_at_refunds(payment, decision)
        )

    async def payments(self) -> AsyncIterator[ProviderPayment]:
        """All payments that carry an order, oldest first."""
        async for payment in self._listing():
            if payment.idempotency_key:
                yield payment.seen


class FakeCarrier(FakeProvider[CarrierLabel]):
    """An in-memory carrier with its ledger.

    Args:
        area: which addresses are refused.
        faults: injected faults; more can be added to `faults` at any time.
        latency_s: seconds that each call takes.
    """

    def __init__(
        self,
        area: ServedArea | None = None,
        *,
        faults: FaultPlan | None = None,
        latency_s: float = 0.0,
    ) -> None:
        super().__init__(faults, latency_s)
        self.area = area or ServedArea()

    async def buy_label(self, request: LabelRequest) -> CarrierLabel:
        """Buy a label; the same key returns the first result."""
        call = Call("buy_label", request.order_id, request.idempotency_key)
        return await self._change(
            call,
            rules.label_fingerprint(request),
            lambda: self._add(rules.make_label(request, self.area)),
        )

    async def find(self, idempotency_key: str) -> CarrierLabel | None:
        """The label in its current state, or None if the key was never used."""
        return await self._find(idempotency_key)

    async def forbid(
        self, order_id: OrderId, idempotency_key: str, installation: str
    ) -> CarrierLabel | None:
        """Make a key unusable; if a label was bought with it, return that label."""
        return await self._forbid(
            Call("forbid", order_id, idempotency_key),
            lambda: rules.forbidden_label(order_id, idempotency_key, installation),
        )

    async def cancel_label(self, label_id: str, idempotency_key: str) -> CarrierLabel:
        """Cancel a label; a label that is already cancelled is returned."""
        return await self._apply("cancel_label", label_id, rules.cancel_label, key=idempotency_key)

    def labels(self) -> AsyncIterator[CarrierLabel]:
        """All labels, including refused ones, oldest first."""
        return self._listing()
