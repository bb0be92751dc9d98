"""The carrier sandbox.

    POST /labels                  buy a label      Idempotency-Key
    GET  /labels/by-key/{key}     what was bought under a key, as it stands now
    POST /labels/by-key/{key}/forbid  take a key out of use
    POST /labels/{id}/cancel      take a label back Idempotency-Key
    GET  /labels?after=&limit=    the ledger, oldest first, refused ones included

A refused address is an answer like any other (status ``refused``): countries that are not served,
and postal codes that start with `adapters.provider_rules.POSTAL_CODE_MARKER`. The same key with the
same content gets its first answer again; with other content, 409. Addresses are never stored.
"""

from pathlib import Path

from aiohttp import web

from activities.ports import CarrierLabel
from adapters.providers import rules
from adapters.providers.faults import FaultPlan
from adapters.providers.rules import ServedArea
from adapters.providers.wire import BuyLabelBody, ForbidLabelBody, LabelBody, LabelPage
from adapters.sandboxes.ledger import Answer, Ledger, Records
from adapters.sandboxes.web import Sandbox, read_body, read_key, read_page, unknown
from domain.ids import OrderId


def create_carrier_app(
    ledger_path: Path, *, area: ServedArea | None = None, faults: FaultPlan | None = None
) -> web.Application:
    """The carrier sandbox on the ledger in `ledger_path`.

    Args:
        ledger_path: SQLite file; made if it does not exist.
        area: which addresses are refused.
        faults: failures on purpose in force from the start.
    """
    sandbox = Sandbox(Ledger(ledger_path), faults or FaultPlan())
    handlers = _Handlers(sandbox, area or ServedArea())
    app = sandbox.application()
    app.router.add_post("/labels", handlers.buy)
    app.router.add_get("/labels", handlers.listing)
    app.router.add_get("/labels/by-key/{key}", handlers.find)
    app.router.add_post("/labels/by-key/{key}/forbid", handlers.forbid)
    app.router.add_post("/labels/{label_id}/cancel", handlers.cancel)
    return app


class _Handlers:
    def __init__(self, sandbox: Sandbox, area: ServedArea) -> None:
        self._sandbox = sandbox
        self._area = area

    async def buy(self, request: web.Request) -> web.Response:
        key = read_key(request)
        asked = (await read_body(request, BuyLabelBody)).to_request(key)

        def make(records: Records) -> str:
            label = rules.make_label(asked, self._area)
            body = LabelBody.of(label).model_dump_json()
            records.insert(label.label_id, key, body)
            return body

        fingerprint = rules.label_fingerprint(asked)
        return await self._sandbox.perform(
            request,
            ("buy_label", asked.order_id, key),
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
        order_id = _label(known).order_id if known else ""
        return await self._sandbox.perform(request, ("find", order_id, key), look)

    async def listing(self, request: web.Request) -> web.Response:
        after, limit = read_page(request)

        def page(records: Records) -> Answer:
            rows = records.after(after, limit)
            found = [LabelBody.model_validate_json(body) for _, body in rows]
            following = rows[-1][0] if len(rows) == limit else None
            return Answer(LabelPage(labels=found, next=following).model_dump_json(), replayed=False)

        return await self._sandbox.perform(request, ("list", "", ""), page)

    async def forbid(self, request: web.Request) -> web.Response:
        key, asked = request.match_info["key"], await read_body(request, ForbidLabelBody)

        def make(records: Records) -> str:
            label = rules.forbidden_label(OrderId(asked.order_id), key)
            body = LabelBody.of(label).model_dump_json()
            records.insert(label.label_id, key, body)
            return body

        return await self._sandbox.perform(
            request, ("forbid", asked.order_id, key), lambda records: records.forbid(key, make)
        )

    async def cancel(self, request: web.Request) -> web.Response:
        key, label_id = read_key(request), request.match_info["label_id"]
        order_id = (await self._sandbox.ledger.run(lambda r: _known(r, label_id))).order_id

        def make(records: Records) -> str:
            body = LabelBody.of(rules.cancel_label(_known(records, label_id))).model_dump_json()
            records.update(label_id, body)
            return body

        fingerprint = rules.digest("cancel_label", label_id)
        return await self._sandbox.perform(
            request,
            ("cancel_label", order_id, key),
            lambda records: records.answer(key, fingerprint, make),
        )


def _label(body: str) -> CarrierLabel:
    return LabelBody.model_validate_json(body).to_label()


def _known(records: Records, label_id: str) -> CarrierLabel:
    body = records.by_reference(label_id)
    if body is None:
        raise unknown("reference")
    return _label(body)
