"""In-memory providers for tests, demo and benchmarks, with injected faults.

    payments = FakePaymentGateway()
    payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="confirm", times=1))

They behave like the sandboxes, refusals included, but keep nothing beyond the process.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic

from activities.payment_port import PaymentRequest, ProviderPayment, ProviderRefund
from activities.ports import (
    CarrierLabel,
    GatewayRefusedAccess,
    GatewayRejected,
    GatewayUnavailable,
    KeyUsedUp,
    LabelRequest,
    OutcomeUnknown,
)
from adapters.providers import payment_rules, rules
from adapters.providers.faults import (
    FaultKind,
    FaultPlan,
    delay_and_fail_after,
    delay_and_fail_before,
)
from adapters.providers.payment_rules import KeptPayment, SandboxLimits
from adapters.providers.rules import Record, RequestRefused, ServedArea
from domain.ids import OrderId
from domain.money import Money

READS = frozenset({"find", "list", "read", "refunds", "read_refund"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a fake received, whether it failed or not."""

    operation: str
    order_id: str
    idempotency_key: str


class _Provider(Generic[Record]):
    """Shared by both fakes: records calls, injects faults, keeps the first result of each key."""

    def __init__(self, faults: FaultPlan | None, latency_s: float) -> None:
        self.faults = faults or FaultPlan()
        self.calls: list[Call] = []
        self.closed = False
        self.can_forbid = True
        """Whether a key can be made unusable; some carriers cannot do that."""
        self._latency_s = latency_s
        self._records: dict[str, Record] = {}
        self._by_key: dict[str, str] = {}
        self._answers: dict[str, tuple[str, Record]] = {}
        self._failed: set[str] = set()

    def count(self, operation: str) -> int:
        """How often an operation was called."""
        return sum(call.operation == operation for call in self.calls)

    def forget_answers(self) -> None:
        """Let all idempotency keys expire: a repeated request is carried out again."""
        self._answers.clear()

    def plant(self, record: Record) -> None:
        """Keep a record as if somebody else had made it."""
        self._add(record)
        self._answers[record.idempotency_key] = ("somebody else's", record)

    async def close(self) -> None:
        """Record that it was closed."""
        self.closed = True

    async def _call(self, call: Call, work: Callable[[], Record | None]) -> Record | None:
        """Do `work` once, with the injected faults that hit `call`.

        Raises:
            GatewayError: by a fault or a rule.
        """
        self.calls.append(call)
        hits = self.faults.hit(call.operation, call.order_id, call.idempotency_key)
        await asyncio.sleep(self._latency_s)
        failed = await delay_and_fail_before(hits)
        if failed is FaultKind.SAVED_ERROR:
            self._failed.add(call.idempotency_key)
        _raise_for(failed, call.operation)
        if call.idempotency_key in self._failed:
            raise KeyUsedUp(f"{call.operation}: {rules.saved_failure()}")
        try:
            result: Record | RequestRefused | None = work()
        except RequestRefused as refused:
            result = refused  # a refusal is an answer, so it can be delayed or lost as well
        _raise_for(await delay_and_fail_after(hits), call.operation)
        if isinstance(result, RequestRefused):
            used_up = result.code == rules.same_key_other_content().code
            raise (KeyUsedUp if used_up else GatewayRejected)(f"{result.code}: {result}")
        return result

    async def _change(self, call: Call, fingerprint: str, work: Callable[[], Record]) -> Record:
        def once() -> Record:
            answered = self._answers.get(call.idempotency_key)
            if answered is None:
                result = work()
                self._answers[call.idempotency_key] = (fingerprint, result)
                return result
            if answered[0] != fingerprint:
                raise rules.same_key_other_content()
            return answered[1]

        result = await self._call(call, once)
        if result is None:
            raise AssertionError("a change always has a result")
        return result

    async def _forbid(self, call: Call, make: Callable[[], Record]) -> Record | None:
        """The record of the key; if there is none, `make` creates a forbidden one."""
        if not self.can_forbid:
            return await self._find(call.idempotency_key)

        def work() -> Record:
            existing = self._by_key.get(call.idempotency_key)
            if existing is not None:
                return self._records[existing]
            record = self._add(make())
            self._answers[call.idempotency_key] = (rules.FORBIDDEN_CONTENT, record)
            return record

        return await self._call(call, work)

    async def _find(self, idempotency_key: str) -> Record | None:
        reference = self._by_key.get(idempotency_key, "")
        record = self._records.get(reference)
        call = Call("find", record.order_id if record else "", idempotency_key)
        return await self._call(call, lambda: self._records.get(reference))

    async def _listing(self) -> AsyncIterator[Record]:
        await self._call(Call("list", "", ""), lambda: None)
        for record in list(self._records.values()):
            yield record

    async def _apply(
        self,
        operation: str,
        reference: str,
        change: Callable[[Record], Record],
        kept_after: Callable[[Record, Record], Record] = lambda _, answer: answer,
        key: str = "",
    ) -> Record:
        """Change a record; `kept_after` is what is kept, given the one before and the answer."""
        call = Call(operation, self._record(reference).order_id, key or reference)

        def work() -> Record:
            before = self._records[reference]
            answer = change(before)
            self._records[reference] = kept_after(before, answer)
            return answer

        result = await self._call(call, work)
        if result is None:
            raise AssertionError("a change always has a result")
        return result

    def _add(self, record: Record) -> Record:
        self._by_key[record.idempotency_key] = record.reference
        self._records[record.reference] = record
        return record

    def _record(self, reference: str) -> Record:
        if reference not in self._records:
            raise GatewayRejected("unknown_reference: there is nothing with this reference")
        return self._records[reference]


def _raise_for(kind: FaultKind | None, operation: str) -> None:
    if kind is None:
        return
    message = f"{operation}: injected fault: {kind}"
    if kind is FaultKind.REJECTED:
        raise GatewayRefusedAccess(message)
    if kind is FaultKind.INVALID:
        raise GatewayRejected(message)
    if kind is FaultKind.UNAVAILABLE or operation in READS:
        raise GatewayUnavailable(message)
    raise OutcomeUnknown(message)


class FakePaymentGateway(_Provider[KeptPayment]):
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
        """All payments, oldest first."""
        async for payment in self._listing():
            yield payment.seen


class FakeCarrier(_Provider[CarrierLabel]):
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
