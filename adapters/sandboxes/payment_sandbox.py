"""The payment sandbox.

    POST /payments                      create a payment; nothing moves   Idempotency-Key
    POST /payments/{reference}/confirm  take or hold the money, once
    POST /payments/{reference}/claim    say whose it is, unless it says so already
    POST /payments/{reference}/capture  capture an authorised amount, once
    POST /payments/{reference}/void     end a payment that is not captured
    POST /payments/{reference}/refunds  refund captured money             Idempotency-Key
    GET  /payments/{reference}/refunds  all refunds of a payment, oldest first
    GET  /payments/{reference}          the current payment with a reference
    GET  /payments/by-key/{key}         the current payment of a key
    GET  /refunds/{reference}/{id}      the current refund
    GET  /payments?after=&limit=        the ledger, oldest first
    POST /checkout                      what a shop's page does: make and confirm one, of no order

A decline is a normal answer (status ``declined``); the tokens that are declined are
`adapters.providers.payment_rules.DECLINING_TOKENS`. The same key with the same content gets its
first answer again, with the header Idempotent-Replayed; with other content, 409. A refund is
answered as it is now. Card tokens are never stored.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from uuid import uuid4

from aiohttp import web
from pydantic import ConfigDict

from activities.payment_port import ProviderRefund
from adapters.providers import payment_rules as rules
from adapters.providers.faults import FaultPlan
from adapters.providers.payment_rules import KeptPayment
from adapters.providers.rules import RequestRefused, saved_failure
from adapters.providers.wire import (
    AmountBody,
    CheckoutBody,
    ClaimBody,
    CreatePaymentBody,
    PaymentBody,
    RecordBody,
    RefundBody,
    RefundsBody,
)
from adapters.sandboxes.control import read_body
from adapters.sandboxes.ledger import Answer, Ledger, Records
from adapters.sandboxes.web import Sandbox, read_key
from domain.values import CaptureMode


class KeptPaymentBody(RecordBody[KeptPayment]):
    """A payment as it is kept: what is answered, and what only the provider itself needs."""

    model_config = ConfigDict(extra="allow")

    capture: CaptureMode
    verdict: str | None = None
    refunds: tuple[RefundBody, ...] = ()

    @classmethod
    def of(cls, record: KeptPayment) -> Self:
        """The body of a payment."""
        seen = PaymentBody.of(record.seen).model_dump(mode="json")
        refunds = tuple(RefundBody.of(refund) for refund in record.refunds)
        return cls(**seen, capture=record.capture, verdict=record.verdict, refunds=refunds)

    def to_record(self) -> KeptPayment:
        """The payment in this body."""
        seen = PaymentBody.model_validate_json(self.model_dump_json()).to_record()
        refunds = tuple(refund.to_refund() for refund in self.refunds)
        return KeptPayment(seen, self.capture, self.verdict, refunds)


def create_payment_app(
    ledger_path: Path,
    *,
    declines: Mapping[str, str] = rules.DECLINING_TOKENS,
    faults: FaultPlan | None = None,
) -> web.Application:
    """The payment sandbox on the ledger in `ledger_path`.

    Args:
        ledger_path: SQLite file; created if it does not exist.
        declines: card tokens that are declined, with their decline codes.
        faults: injected faults from the start.
    """
    sandbox = Sandbox("payments", Ledger(ledger_path), KeptPaymentBody, faults)
    handlers = _Handlers(sandbox, declines)
    app = sandbox.application()
    app.router.add_post("/payments", handlers.create)
    app.router.add_get("/payments/{reference}", sandbox.read)
    app.router.add_post("/payments/{reference}/confirm", handlers.confirm)
    app.router.add_post("/payments/{reference}/claim", handlers.claim)
    app.router.add_post("/payments/{reference}/capture", handlers.capture)
    app.router.add_post("/payments/{reference}/void", handlers.void)
    app.router.add_post("/payments/{reference}/refunds", handlers.refund)
    app.router.add_get("/payments/{reference}/refunds", handlers.refunds)
    app.router.add_get("/refunds/{reference}/{refund_id}", handlers.read_refund)
    app.router.add_post("/checkout", handlers.checkout)
    return app


class _Handlers:
    def __init__(self, sandbox: Sandbox[KeptPayment], declines: Mapping[str, str]) -> None:
        self._sandbox = sandbox
        self._declines = declines

    async def create(self, request: web.Request) -> web.Response:
        key = read_key(request)
        asked = (await read_body(request, CreatePaymentBody)).to_request(key)
        return await self._sandbox.create(
            request,
            ("create", asked.order_id, key),
            rules.request_fingerprint(asked),
            lambda: rules.create(asked, self._declines),
        )

    async def confirm(self, request: web.Request) -> web.Response:
        now = datetime.now(UTC)
        return await self._sandbox.change(request, "confirm", lambda x: rules.confirm(x, now))

    async def checkout(self, request: web.Request) -> web.Response:
        asked, now = await read_body(request, CheckoutBody), datetime.now(UTC)
        reference = f"pay_checkout_{uuid4().hex[:16]}"

        def work(records: Records) -> Answer:
            terms = (asked.to_money(), asked.token, asked.capture)
            payment = rules.checkout(reference, *terms, self._declines, now)
            body = self._sandbox.json(payment)
            records.insert(reference, reference, body)
            return Answer(body, replayed=False)

        return await self._sandbox.perform(request, ("checkout", "", reference), work)

    async def claim(self, request: web.Request) -> web.Response:
        identity = (await read_body(request, ClaimBody)).to_identity()
        return await self._sandbox.change(request, "claim", lambda x: rules.claim(x, identity))

    async def capture(self, request: web.Request) -> web.Response:
        amount = (await read_body(request, AmountBody)).to_money()
        reference = request.match_info["reference"]
        order_id = await self._sandbox.order_id(reference)
        decision = self._sandbox.faults.bank_decision("capture", order_id, reference)
        return await self._sandbox.change(
            request,
            "capture",
            lambda payment: rules.capture(payment, amount, decision),
            rules.kept_after,
        )

    async def void(self, request: web.Request) -> web.Response:
        return await self._sandbox.change(request, "void", rules.void)

    # --- refunds ---------------------------------------------------------------------------------

    async def refund(self, request: web.Request) -> web.Response:
        amount, key = (await read_body(request, AmountBody)).to_money(), read_key(request)
        reference = request.match_info["reference"]
        order_id = await self._sandbox.order_id(reference)
        decision = self._sandbox.faults.bank_decision("refund", order_id, key)

        def work(records: Records) -> Answer:
            if records.is_saved_failure(key):
                raise saved_failure()
            payment = rules.refund(self._sandbox.stored(records, reference), amount, key, decision)
            return self._keep(records, payment, lambda one: one.idempotency_key == key)

        return await self._sandbox.perform(request, ("refund", order_id, key), work)

    async def refunds(self, request: web.Request) -> web.Response:
        reference = request.match_info["reference"]
        order_id = await self._sandbox.order_id(reference)

        def work(records: Records) -> Answer:
            refunds = self._looked_at(records, reference).refunds
            body = RefundsBody(refunds=tuple(RefundBody.of(refund) for refund in refunds))
            return Answer(body.model_dump_json(), replayed=False)

        return await self._sandbox.perform(request, ("refunds", order_id, reference), work)

    async def read_refund(self, request: web.Request) -> web.Response:
        reference, refund_id = request.match_info["reference"], request.match_info["refund_id"]
        order_id = await self._sandbox.order_id(reference)

        def work(records: Records) -> Answer:
            payment = self._looked_at(records, reference)
            return self._keep(records, payment, lambda one: one.refund_id == refund_id)

        return await self._sandbox.perform(request, ("read_refund", order_id, refund_id), work)

    def _looked_at(self, records: Records, reference: str) -> KeptPayment:
        before, decision = self._sandbox.stored(records, reference), None
        if before.awaits_the_bank:
            decision = self._sandbox.faults.bank_decision("refund", before.order_id, reference)
        after = rules.look_at_refunds(before, decision)
        records.update(reference, self._sandbox.json(after))
        return after

    def _keep(
        self, records: Records, payment: KeptPayment, is_asked: Callable[[ProviderRefund], bool]
    ) -> Answer:
        refund = next((one for one in payment.refunds if is_asked(one)), None)
        if refund is None:
            raise RequestRefused("unknown_reference", "there is no such refund")
        records.update(payment.reference, self._sandbox.json(payment))
        return Answer(RefundBody.of(refund).model_dump_json(), replayed=False)
