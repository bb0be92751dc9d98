"""The carrier sandbox.

    POST /labels                      buy a label               Idempotency-Key
    GET  /labels/by-key/{key}         the current label of a key
    POST /labels/by-key/{key}/forbid  make a key unusable
    POST /labels/{reference}/cancel   cancel a label            Idempotency-Key
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
from adapters.providers.wire import BuyLabelBody, ForbidLabelBody, LabelBody
from adapters.sandboxes.control import read_body
from adapters.sandboxes.ledger import Ledger
from adapters.sandboxes.web import Sandbox, read_key
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
    sandbox = Sandbox("labels", Ledger(ledger_path), LabelBody, faults)
    handlers = _Handlers(sandbox, area or ServedArea())
    app = sandbox.application()
    app.router.add_post("/labels", handlers.buy)
    app.router.add_post("/labels/by-key/{key}/forbid", handlers.forbid)
    app.router.add_post("/labels/{reference}/cancel", handlers.cancel)
    return app


class _Handlers:
    def __init__(self, sandbox: Sandbox[CarrierLabel], area: ServedArea) -> None:
        self._sandbox = sandbox
        self._area = area

    async def buy(self, request: web.Request) -> web.Response:
        key = read_key(request)
        label_request = (await read_body(request, BuyLabelBody)).to_request(key)
        return await self._sandbox.create(
            request,
            ("buy_label", label_request.order_id, key),
            rules.label_fingerprint(label_request),
            lambda: rules.make_label(label_request, self._area),
        )

    async def forbid(self, request: web.Request) -> web.Response:
        body = await read_body(request, ForbidLabelBody)
        order_id = OrderId(body.order_id)
        return await self._sandbox.forbid(
            request, order_id, lambda key: rules.forbidden_label(order_id, key, body.installation)
        )

    async def cancel(self, request: web.Request) -> web.Response:
        return await self._sandbox.change(request, "cancel_label", rules.cancel_label)
