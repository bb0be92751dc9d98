"""The payment sandbox.

    POST /payments                      charge or authorise        Idempotency-Key
    GET  /payments/by-key/{key}         what was made under a key, as it stands now
    POST /payments/by-key/{key}/forbid  take a key out of use      Idempotency-Key: that key
    POST /payments/{reference}/capture  take an authorised amount  Idempotency-Key
    POST /payments/{reference}/void     give an authorisation back Idempotency-Key
    POST /payments/{reference}/refund   give captured money back   Idempotency-Key
    GET  /payments?after=&limit=        the ledger, oldest first

A decline is an answer like any other (status ``declined``). The same key with the same content gets
its first answer again, with the header Idempotent-Replayed; with other content, 409. Card tokens
are never stored. See `adapters.provider_rules.DECLINING_TOKENS` for the tokens that are declined.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from aiohttp import web

from activities.ports import ProviderPayment
from adapters.providers import rules
from adapters.providers.faults import FaultPlan
from adapters.providers.wire import (
    AmountBody,
    ChargeBody,
    ForbidChargeBody,
    PaymentBody,
    PaymentPage,
)
from adapters.sandboxes.ledger import Answer, Ledger, Records
from adapters.sandboxes.web import Sandbox, read_body, read_key, read_page, unknown
from domain.ids import OrderId


def create_payment_app(
    ledger_path: Path,
    *,
    declines: Mapping[str, str] = rules.DECLINING_TOKENS,
    faults: FaultPlan | None = None,
) -> web.Application:
    """The payment sandbox on the ledger in `ledger_path`.

    Args:
        ledger_path: SQLite file; made if it does not exist.
        declines: card tokens that are declined, with the code of the decline.
        faults: failures on purpose in force from the start.
    """
    sandbox = Sandbox(Ledger(ledger_path), faults or FaultPlan())
    handlers = _Handlers(sandbox, declines)
    app = sandbox.application()
    app.router.add_post("/payments", handlers.charge)
    app.router.add_get("/payments", handlers.listing)
    app.router.add_get("/payments/by-key/{key}", handlers.find)
    app.router.add_post("/payments/by-key/{key}/forbid", handlers.forbid)
    app.router.add_post("/payments/{reference}/capture", handlers.capture)
    app.router.add_post("/payments/{reference}/void", handlers.void)
    app.router.add_post("/payments/{reference}/refund", handlers.refund)
    return app


class _Handlers:
    def __init__(self, sandbox: Sandbox, declines: Mapping[str, str]) -> None:
        self._sandbox = sandbox
        self._declines = declines

    async def charge(self, request: web.Request) -> web.Response:
        key = read_key(request)
        asked = (await read_body(request, ChargeBody)).to_request(key)

        def make(records: Records) -> str:
            payment = rules.open_payment(asked, self._declines)
            body = PaymentBody.of(payment).model_dump_json()
            records.insert(payment.reference, key, body)
            return body

        fingerprint = rules.charge_fingerprint(asked)
        return await self._sandbox.perform(
            request,
            ("charge", asked.order_id, key),
            lambda records: records.answer(key, fingerprint, make),
        )

    async def find(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]

        def look(records: Records) -> Answer:
            body = records.by_key(key)
            if body is None:
                raise unknown("key")
            return Answer(body, replayed=False)

        known = await self._sandbox.ledger.run(lambda records: records.by_key(key))
        order_id = _payment(known).order_id if known else ""
        return await self._sandbox.perform(request, ("find", order_id, key), look)

    async def listing(self, request: web.Request) -> web.Response:
        after, limit = read_page(request)

        def page(records: Records) -> Answer:
            rows = records.after(after, limit)
            found = [PaymentBody.model_validate_json(body) for _, body in rows]
            following = rows[-1][0] if len(rows) == limit else None
            return Answer(
                PaymentPage(payments=found, next=following).model_dump_json(), replayed=False
            )

        return await self._sandbox.perform(request, ("list", "", ""), page)

    async def forbid(self, request: web.Request) -> web.Response:
        key, asked = request.match_info["key"], await read_body(request, ForbidChargeBody)
        order_id = OrderId(asked.order_id)

        def make(records: Records) -> str:
            payment = rules.forbidden_payment(order_id, asked.to_money(), key)
            body = PaymentBody.of(payment).model_dump_json()
            records.insert(payment.reference, key, body)
            return body

        return await self._sandbox.perform(
            request, ("forbid", order_id, key), lambda records: records.forbid(key, make)
        )

    async def capture(self, request: web.Request) -> web.Response:
        amount = (await read_body(request, AmountBody)).to_money()
        key, reference = read_key(request), request.match_info["reference"]
        order_id = (await self._sandbox.ledger.run(lambda r: _known(r, reference))).order_id
        fate = self._sandbox.faults.fate("capture", order_id, key)
        return await self._change(
            request,
            "capture",
            str(amount),
            lambda payment: rules.answer_to_capture(payment, amount, fate),
        )

    async def void(self, request: web.Request) -> web.Response:
        return await self._change(request, "void", "", rules.void)

    async def refund(self, request: web.Request) -> web.Response:
        amount = (await read_body(request, AmountBody)).to_money()
        return await self._change(
            request, "refund", str(amount), lambda payment: rules.refund(payment, amount)
        )

    async def _change(
        self,
        request: web.Request,
        operation: str,
        content: str,
        change: Callable[[ProviderPayment], ProviderPayment],
    ) -> web.Response:
        key, reference = read_key(request), request.match_info["reference"]
        order_id = (await self._sandbox.ledger.run(lambda r: _known(r, reference))).order_id

        def make(records: Records) -> str:
            before = _known(records, reference)
            answer = change(before)
            kept = rules.kept_after(before, answer)
            records.update(reference, PaymentBody.of(kept).model_dump_json())
            return PaymentBody.of(answer).model_dump_json()

        fingerprint = rules.digest(operation, reference, content)
        return await self._sandbox.perform(
            request,
            (operation, order_id, key),
            lambda records: records.answer(key, fingerprint, make),
        )


def _payment(body: str) -> ProviderPayment:
    return PaymentBody.model_validate_json(body).to_payment()


def _known(records: Records, reference: str) -> ProviderPayment:
    body = records.by_reference(reference)
    if body is None:
        raise unknown("reference")
    return _payment(body)
