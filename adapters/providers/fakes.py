"""In-memory outside world for tests, demo and benchmarks: scriptable, with failures on purpose.

    payments = FakePaymentGateway()
    payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="charge", times=1))

They behave as the sandboxes do, down to the refusals; only nothing outlives the process.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from activities.ports import (
    AttentionNotice,
    CarrierLabel,
    ChargeRequest,
    GatewayRejected,
    GatewayUnavailable,
    LabelRequest,
    OutcomeUnknown,
    ProviderPayment,
)
from adapters.providers import rules
from adapters.providers.faults import FaultKind, FaultPlan, endure_after, endure_before
from adapters.providers.rules import DECLINING_TOKENS, RequestRefused, ServedArea
from domain.ids import OrderId
from domain.money import Money

_Record = TypeVar("_Record", ProviderPayment, CarrierLabel)

READS = frozenset({"find", "list"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a fake received, whether or not it then failed."""

    operation: str
    order_id: str
    idempotency_key: str


class _Provider(Generic[_Record]):
    """What both fakes do: log the call, fail on purpose, keep the first result of each key."""

    def __init__(self, faults: FaultPlan | None, latency_s: float) -> None:
        self.faults = faults or FaultPlan()
        self.calls: list[Call] = []
        self.closed = False
        self.can_forbid = True
        """Whether a key can be taken out of use; not every provider can."""
        self._latency_s = latency_s
        self._records: dict[str, _Record] = {}
        self._by_key: dict[str, str] = {}
        self._answers: dict[str, tuple[str, _Record]] = {}

    def count(self, operation: str) -> int:
        """How often an operation was called."""
        return sum(call.operation == operation for call in self.calls)

    def forget_answers(self) -> None:
        """Let all idempotency keys expire: a request that comes again is carried out again."""
        self._answers.clear()

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    async def _call(self, call: Call, work: Callable[[], _Record | None]) -> _Record | None:
        """Do `work` once between the failures on purpose that hit `call`.

        Raises:
            GatewayUnavailable, OutcomeUnknown, GatewayRejected: as the faults or the rules say.
        """
        self.calls.append(call)
        hits = self.faults.strike(call.operation, call.order_id, call.idempotency_key)
        await asyncio.sleep(self._latency_s)
        _raise_for(await endure_before(hits), call.operation)
        try:
            result: _Record | RequestRefused | None = work()
        except RequestRefused as refused:
            result = refused  # an answer as well, and one that can be delayed or lost
        _raise_for(await endure_after(hits), call.operation)
        if isinstance(result, RequestRefused):
            raise GatewayRejected(f"{result.code}: {result}")
        return result

    async def _change(self, call: Call, fingerprint: str, work: Callable[[], _Record]) -> _Record:
        def once() -> _Record:
            known = self._answers.get(call.idempotency_key)
            if known is None:
                result = work()
                self._answers[call.idempotency_key] = (fingerprint, result)
                return result
            if known[0] != fingerprint:
                raise rules.same_key_other_content()
            return known[1]

        result = await self._call(call, once)
        if result is None:
            raise AssertionError("a change always has a result")
        return result

    async def _forbid(self, call: Call, make: Callable[[], tuple[str, _Record]]) -> _Record | None:
        """What stands under the key by now: made by `make` unless something was made before."""
        if not self.can_forbid:
            return await self._look_up(call.idempotency_key)

        def work() -> _Record:
            known = self._by_key.get(call.idempotency_key)
            if known is not None:
                return self._records[known]
            reference, record = make()
            self._answers[call.idempotency_key] = (rules.FORBIDDEN_CONTENT, record)
            return self._add(reference, record)

        return await self._call(call, work)

    async def _look_up(self, idempotency_key: str) -> _Record | None:
        reference = self._by_key.get(idempotency_key, "")
        record = self._records.get(reference)
        call = Call("find", record.order_id if record else "", idempotency_key)
        return await self._call(call, lambda: self._records.get(reference))

    async def _listing(self) -> AsyncIterator[_Record]:
        await self._call(Call("list", "", ""), lambda: None)
        for record in list(self._records.values()):
            yield record

    def _add(self, reference: str, record: _Record) -> _Record:
        self._by_key[record.idempotency_key] = reference
        self._records[reference] = record
        return record

    def _known(self, reference: str) -> _Record:
        if reference not in self._records:
            raise GatewayRejected("unknown_reference: there is nothing of that reference")
        return self._records[reference]


def _raise_for(kind: FaultKind | None, operation: str) -> None:
    if kind is None:
        return
    message = f"{operation}: {kind} on purpose"
    if kind is FaultKind.REJECTED:
        raise GatewayRejected(message)
    if kind is FaultKind.UNAVAILABLE or operation in READS:
        raise GatewayUnavailable(message)
    raise OutcomeUnknown(message)


class FakePaymentGateway(_Provider[ProviderPayment]):
    """A payment provider and its ledger in memory.

    Args:
        declines: card tokens that are declined, with the code of the decline.
        faults: failures on purpose; more can be added to `faults` at any time.
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

        def work() -> ProviderPayment:
            payment = rules.open_payment(request, self.declines)
            return self._add(payment.reference, payment)

        return await self._change(call, rules.charge_fingerprint(request), work)

    async def find(self, idempotency_key: str) -> ProviderPayment | None:
        """The payment as it stands now, or None if the key was never seen."""
        return await self._look_up(idempotency_key)

    async def forbid(
        self, order_id: OrderId, amount: Money, idempotency_key: str
    ) -> ProviderPayment | None:
        """Take a key out of use, unless a payment was made under it: then that payment."""

        def make() -> tuple[str, ProviderPayment]:
            payment = rules.forbidden_payment(order_id, amount, idempotency_key)
            return payment.reference, payment

        return await self._forbid(Call("forbid", order_id, idempotency_key), make)

    async def capture(self, reference: str, amount: Money, idempotency_key: str) -> ProviderPayment:
        """Take at most the authorised amount; capturing a captured payment returns it."""
        order_id = self._known(reference).order_id
        fate = self.faults.fate("capture", order_id, idempotency_key)
        return await self._apply(
            "capture",
            reference,
            amount,
            idempotency_key,
            lambda payment: rules.answer_to_capture(payment, amount, fate),
        )

    async def void(self, reference: str, idempotency_key: str) -> ProviderPayment:
        """Give an authorisation back; voiding a voided payment returns it."""
        return await self._apply("void", reference, None, idempotency_key, rules.void)

    async def refund(self, reference: str, amount: Money, idempotency_key: str) -> ProviderPayment:
        """Give captured money back, once per key."""
        return await self._apply(
            "refund", reference, amount, idempotency_key, lambda p: rules.refund(p, amount)
        )

    def payments(self) -> AsyncIterator[ProviderPayment]:
        """Every payment, in the order they were made."""
        return self._listing()

    async def _apply(
        self,
        operation: str,
        reference: str,
        amount: Money | None,
        key: str,
        change: Callable[[ProviderPayment], ProviderPayment],
    ) -> ProviderPayment:
        order_id = self._known(reference).order_id

        def work() -> ProviderPayment:
            before = self._records[reference]
            answer = change(before)
            self._records[reference] = rules.kept_after(before, answer)
            return answer

        fingerprint = rules.digest(operation, reference, str(amount))
        return await self._change(Call(operation, order_id, key), fingerprint, work)


class FakeCarrier(_Provider[CarrierLabel]):
    """A carrier and its ledger in memory.

    Args:
        area: which addresses are refused.
        faults: failures on purpose; more can be added to `faults` at any time.
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

        def work() -> CarrierLabel:
            label = rules.make_label(request, self.area)
            return self._add(label.label_id, label)

        return await self._change(call, rules.label_fingerprint(request), work)

    async def find(self, idempotency_key: str) -> CarrierLabel | None:
        """The label as it stands now, or None if the key was never seen."""
        return await self._look_up(idempotency_key)

    async def forbid(self, order_id: OrderId, idempotency_key: str) -> CarrierLabel | None:
        """Take a key out of use, unless a label was bought under it: then that label."""

        def make() -> tuple[str, CarrierLabel]:
            label = rules.forbidden_label(order_id, idempotency_key)
            return label.label_id, label

        return await self._forbid(Call("forbid", order_id, idempotency_key), make)

    async def cancel_label(self, label_id: str, idempotency_key: str) -> CarrierLabel:
        """Take a label back; cancelling a cancelled label returns it."""
        order_id = self._known(label_id).order_id

        def work() -> CarrierLabel:
            self._records[label_id] = rules.cancel_label(self._records[label_id])
            return self._records[label_id]

        call = Call("cancel_label", order_id, idempotency_key)
        return await self._change(call, rules.digest("cancel_label", label_id), work)

    def labels(self) -> AsyncIterator[CarrierLabel]:
        """Every label, refused ones included, in the order they were bought."""
        return self._listing()


class RecordingNotifications:
    """Notifications that only remember; `failures` holds what the next calls raise."""

    def __init__(self) -> None:
        self.notices: list[AttentionNotice] = []
        self.failures: list[Exception] = []

    async def needs_attention(self, notice: AttentionNotice) -> None:
        """Remember the notice, or raise the next of `failures`."""
        if self.failures:
            raise self.failures.pop(0)
        self.notices.append(notice)
