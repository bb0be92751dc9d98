"""In-memory providers for tests, demo and benchmarks, with injected faults.

    payments = FakePaymentGateway()
    payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="charge", times=1))

They behave like the sandboxes, refusals included, but keep nothing beyond the process.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Generic

from activities.ports import (
    AttentionNotice,
    CarrierLabel,
    ChargeRequest,
    GatewayRefusedAccess,
    GatewayRejected,
    GatewayUnavailable,
    LabelRequest,
    OutcomeUnknown,
    ProviderPayment,
)
from adapters.providers import rules
from adapters.providers.faults import (
    FaultKind,
    FaultPlan,
    delay_and_fail_after,
    delay_and_fail_before,
)
from adapters.providers.rules import DECLINING_TOKENS, Record, RequestRefused, ServedArea
from domain.ids import OrderId
from domain.money import Money

READS = frozenset({"find", "list", "read"})


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
        """Whether a key can be made unusable; some providers cannot do that."""
        self._latency_s = latency_s
        self._records: dict[str, Record] = {}
        self._by_key: dict[str, str] = {}
        self._answers: dict[str, tuple[str, Record]] = {}

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
        _raise_for(await delay_and_fail_before(hits), call.operation)
        try:
            result: Record | RequestRefused | None = work()
        except RequestRefused as refused:
            result = refused  # a refusal is an answer, so it can be delayed or lost as well
        _raise_for(await delay_and_fail_after(hits), call.operation)
        if isinstance(result, RequestRefused):
            raise GatewayRejected(f"{result.code}: {result}")
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
            return await self.find(call.idempotency_key)

        def work() -> Record:
            existing = self._by_key.get(call.idempotency_key)
            if existing is not None:
                return self._records[existing]
            record = self._add(make())
            self._answers[call.idempotency_key] = (rules.FORBIDDEN_CONTENT, record)
            return record

        return await self._call(call, work)

    async def find(self, idempotency_key: str) -> Record | None:
        """The record in its current state, or None if the key was never used."""
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
        key: str,
        content: str,
        change: Callable[[Record], Record],
    ) -> Record:
        """Change a record, once per key."""
        order_id = self._record(reference).order_id

        def work() -> Record:
            before = self._records[reference]
            answer = change(before)
            self._records[reference] = rules.kept_after(before, answer)
            return answer

        fingerprint = rules.digest(operation, reference, content)
        return await self._change(Call(operation, order_id, key), fingerprint, work)

    def _add(self, record: Record) -> Record:
        reference = rules.reference_of(record)
        self._by_key[record.idempotency_key] = reference
        self._records[reference] = record
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


class FakePaymentGateway(_Provider[ProviderPayment]):
    """An in-memory payment provider with its ledger.

    Args:
        declines: card tokens that are declined, with their decline codes.
        faults: injected faults; more can be added to `faults` at any time.
        latency_s: seconds that each call takes.
    """

    def __init__(
        self,
        declines: Mapping[str, str] = DECLINING_TOKENS,
        *,
        faults: FaultPlan | None = None,
        latency_s: float = 0.0,
    ) -> None:
        super().__init__(faults, latency_s)
        self.declines = dict(declines)

    async def charge(self, request: ChargeRequest) -> ProviderPayment:
        """Authorise or capture; the same key returns the first result."""
        call = Call("charge", request.order_id, request.idempotency_key)
        return await self._change(
            call,
            rules.charge_fingerprint(request),
            lambda: self._add(rules.open_payment(request, self.declines)),
        )

    async def read(self, reference: str) -> ProviderPayment:
        """The payment with a reference."""
        payment = self._record(reference)
        call = Call("read", payment.order_id, payment.idempotency_key)
        await self._call(call, lambda: None)
        return self._record(reference)

    async def forbid(
        self, order_id: OrderId, amount: Money, idempotency_key: str, installation: str
    ) -> ProviderPayment | None:
        """Make a key unusable; if a payment was made with it, return that payment."""
        return await self._forbid(
            Call("forbid", order_id, idempotency_key),
            lambda: rules.forbidden_payment(order_id, amount, idempotency_key, installation),
        )

    async def capture(self, reference: str, amount: Money, idempotency_key: str) -> ProviderPayment:
        """Capture at most the authorised amount; a payment that is already captured is returned."""
        order_id = self._record(reference).order_id
        decision = self.faults.bank_decision("capture", order_id, idempotency_key)
        return await self._apply(
            "capture",
            reference,
            idempotency_key,
            str(amount),
            lambda payment: rules.answer_to_capture(payment, amount, decision),
        )

    async def void(self, reference: str, idempotency_key: str) -> ProviderPayment:
        """Void an authorisation; a payment that is already voided is returned."""
        return await self._apply("void", reference, idempotency_key, "", rules.void)

    async def refund(self, reference: str, amount: Money, idempotency_key: str) -> ProviderPayment:
        """Refund captured money, once per key."""
        return await self._apply(
            "refund", reference, idempotency_key, str(amount), lambda p: rules.refund(p, amount)
        )

    def payments(self) -> AsyncIterator[ProviderPayment]:
        """All payments, oldest first."""
        return self._listing()


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
        return await self._apply("cancel_label", label_id, idempotency_key, "", rules.cancel_label)

    def labels(self) -> AsyncIterator[CarrierLabel]:
        """All labels, including refused ones, oldest first."""
        return self._listing()


class RecordingNotifications:
    """Records notices; `failures` holds the exceptions that the next calls raise."""

    def __init__(self) -> None:
        self.notices: list[AttentionNotice] = []
        self.failures: list[Exception] = []

    async def needs_attention(self, notice: AttentionNotice) -> None:
        """Record the notice, or raise the next of `failures`."""
        if self.failures:
            raise self.failures.pop(0)
        self.notices.append(notice)
