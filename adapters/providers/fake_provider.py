"""What the in-memory providers share: they record calls, inject faults, and keep first answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Generic

from activities.ports import (
    GatewayRefusedAccess,
    GatewayRejected,
    GatewayUnavailable,
    KeyUsedUp,
    OutcomeUnknown,
)
from adapters.providers import rules
from adapters.providers.faults import (
    FaultKind,
    FaultPlan,
    delay_and_fail_after,
    delay_and_fail_before,
)
from adapters.providers.rules import Record, RequestRefused

READS = frozenset({"find", "list", "read", "refunds", "read_refund"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a fake received, whether it failed or not."""

    operation: str
    order_id: str
    idempotency_key: str


class FakeProvider(Generic[Record]):
    """Records calls, injects faults, keeps the first result of each key."""

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
