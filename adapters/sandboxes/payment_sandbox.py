"""The payment sandbox.

    POST /payments                      charge or authorise            Idempotency-Key
    GET  /payments/by-key/{key}         the current payment of a key
    POST /payments/by-key/{key}/forbid  make a key unusable            Idempotency-Key: that key
    POST /payments/{reference}/capture  capture an authorised amount   Idempotency-Key
    POST /payments/{reference}/void     void an authorisation          Idempotency-Key
    POST /payments/{reference}/refund   refund captured money          Idempotency-Key
    GET  /payments/{reference}          the current payment with a reference
    GET  /payments?after=&limit=        the ledger, oldest first

A decline is a normal answer (status ``declined``); `adapters.providers.rules.DECLINING_TOKENS` are
the tokens that are declined. The same key with the same content gets its first answer again, with
the header Idempotent-Replayed; with other content, 409. Card tokens are never stored.
"""

from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from activities.ports import ProviderPayment
from adapters.providers import rules
from adapters.providers.faults import FaultPlan
from adapters.providers.wire import AmountBody, ChargeBody, ForbidChargeBody, PaymentBody
from adapters.sandboxes.control import read_body
from adapters.sandboxes.ledger import Ledger
from adapters.sandboxes.web import Sandbox, read_key
from domain.ids import OrderId


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
    sandbox = Sandbox("payments", Ledger(ledger_path), PaymentBody, faults)
    handlers = _Handlers(sandbox, declines)
    app = sandbox.application()
    app.router.add_post("/payments", handlers.charge)
    app.router.add_get("/payments/{reference}", sandbox.read)
    app.router.add_post("/payments/by-key/{key}/forbid", handlers.forbid)
    app.router.add_post("/payments/{reference}/capture", handlers.capture)
    app.router.add_post("/payments/{reference}/void", handlers.void)
    app.router.add_post("/payments/{reference}/refund", handlers.refund)
    return app


class _Handlers:
    def __init__(self, sandbox: Sandbox[ProviderPayment], declines: Mapping[str, str]) -> None:
        self._sandbox = sandbox
        self._declines = declines

    async def charge(self, request: web.Request) -> web.Response:
        key = read_key(request)
        charge = (await read_body(request, ChargeBody)).to_request(key)
        return await self._sandbox.create(
            request,
            ("charge", charge.order_id, key),
            rules.charge_fingerprint(charge),
            lambda: rules.open_payment(charge, self._declines),
        )

    async def forbid(self, request: web.Request) -> web.Response:
        body = await read_body(request, ForbidChargeBody)
        order_id, amount = OrderId(body.order_id), body.to_money()
        return await self._sandbox.forbid(
            request,
            order_id,
            lambda key: rules.forbidden_payment(order_id, amount, key, body.installation),
        )

    async def capture(self, request: web.Request) -> web.Response:
        amount = (await read_body(request, AmountBody)).to_money()
        key, reference = read_key(request), request.match_info["reference"]
        order_id = await self._sandbox.order_id(reference)
        decision = self._sandbox.faults.bank_decision("capture", order_id, key)
        return await self._sandbox.change(
            request,
            "capture",
            lambda payment: rules.answer_to_capture(payment, amount, decision),
            str(amount),
        )

    async def void(self, request: web.Request) -> web.Response:
        return await self._sandbox.change(request, "void", rules.void)

    async def refund(self, request: web.Request) -> web.Response:
        amount = (await read_body(request, AmountBody)).to_money()
        return await self._sandbox.change(
            request, "refund", lambda payment: rules.refund(payment, amount), str(amount)
        )
