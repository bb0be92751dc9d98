"""The carrier sandbox.

    POST /labels                      buy a label               Idempotency-Key
    GET  /labels/by-key/{key}         the current label of a key
    POST /labels/by-key/{key}/forbid  make a key unusable
    POST /labels/{id}/cancel          cancel a label            Idempotency-Key
    GET  /labels?after=&limit=        the ledger, oldest first, including refused labels

A refused address is a normal answer (status ``refused``): countries that are not served, and postal
codes that start with `adapters.providers.rules.POSTAL_CODE_MARKER`. The same key with the same
content gets its first answer again; with other content, 409. Addresses are never stored.
"""

from pathlib import Path

from aiohttp import web

from activities.ports import CarrierLabel
from adapters.providers import rules
from adapters.providers.faults import FaultPlan
from adapters.providers.rules import ServedArea
from adapters.providers.wire import BuyLabelBody, ForbidLabelBody, LabelBody, LabelPage
from adapters.sandboxes.ledger import Ledger, Records
from adapters.sandboxes.web import Sandbox, read_body, read_key, unknown
from domain.ids import OrderId


def create_carrier_app(
    ledger_path: Path, *, area: ServedArea | None = None, faults: FaultPlan | None = None
) -> web.Application:
    """The carrier sandbox on the ledger in `ledger_path`.

    Args:
        ledger_path: SQLite file; created if it does not exist.
        area: which addresses are refused.
        faults: injected faults from the start.
    """
    sandbox = Sandbox(Ledger(ledger_path), faults or FaultPlan())
    handlers = _Handlers(sandbox, area or ServedArea())
    app = sandbox.application()
    app.router.add_post("/labels", handlers.buy)
    app.router.add_get("/labels", handlers.list_page)
    app.router.add_get("/labels/by-key/{key}", sandbox.find)
    app.router.add_post("/labels/by-key/{key}/forbid", handlers.forbid)
    app.router.add_post("/labels/{label_id}/cancel", handlers.cancel)
    return app


class _Handlers:
    def __init__(self, sandbox: Sandbox, area: ServedArea) -> None:
        self._sandbox = sandbox
        self._area = area

    async def buy(self, request: web.Request) -> web.Response:
        key = read_key(request)
        label_request = (await read_body(request, BuyLabelBody)).to_request(key)
        return await self._sandbox.create(
            request,
            ("buy_label", label_request.order_id, key),
            rules.label_fingerprint(label_request),
            lambda: _record(rules.make_label(label_request, self._area)),
        )

    async def list_page(self, request: web.Request) -> web.Response:
        def page(bodies: list[str], following: int | None) -> LabelPage:
            labels = [LabelBody.model_validate_json(body) for body in bodies]
            return LabelPage(labels=labels, next=following)

        return await self._sandbox.list_page(request, page)

    async def forbid(self, request: web.Request) -> web.Response:
        order_id = OrderId((await read_body(request, ForbidLabelBody)).order_id)
        return await self._sandbox.forbid(
            request, order_id, lambda key: _record(rules.forbidden_label(order_id, key))
        )

    async def cancel(self, request: web.Request) -> web.Response:
        key, label_id = read_key(request), request.match_info["label_id"]
        order_id = (await self._sandbox.ledger.run(lambda r: _stored(r, label_id))).order_id

        def make(records: Records) -> str:
            body = LabelBody.of(rules.cancel_label(_stored(records, label_id))).model_dump_json()
            records.update(label_id, body)
            return body

        fingerprint = rules.digest("cancel_label", label_id)
        return await self._sandbox.perform(
            request,
            ("cancel_label", order_id, key),
            lambda records: records.answer(key, fingerprint, make),
        )


def _record(label: CarrierLabel) -> tuple[str, LabelBody]:
    return label.label_id, LabelBody.of(label)


def _stored(records: Records, label_id: str) -> CarrierLabel:
    body = records.by_reference(label_id)
    if body is None:
        raise unknown("reference")
    return LabelBody.model_validate_json(body).to_label()
