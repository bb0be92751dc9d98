"""The control endpoints that all sandboxes share.

Control (from this machine only), for tests and demonstrations:

    POST   /control/faults            add a fault; answers its number
    GET    /control/faults            the faults, how often each hit, how many calls it holds
    DELETE /control/faults            remove all, release held calls
    DELETE /control/faults/{number}   remove one, release the calls it holds
    GET    /control/calls             the calls received, oldest first
"""

from collections import deque
from dataclasses import asdict
from typing import Annotated, Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from adapters.providers.faults import ActiveFault, Fault, FaultKind, FaultPlan
from adapters.providers.rules import RequestRefused

_Model = TypeVar("_Model", bound=BaseModel)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
_REMEMBERED_CALLS: Final = 10_000


class FaultBody(BaseModel):
    """Request: POST /control/faults; see `adapters.providers.faults.Fault`."""

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind
    operation: str = "*"
    order: str = "*"
    rate: Annotated[float, Field(ge=0, le=1)] = 1.0
    times: Annotated[int, Field(ge=1)] | None = None
    delay_s: Annotated[float, Field(ge=0, le=3600)] = 0.0


async def read_body(request: web.Request, model: type[_Model]) -> _Model:
    """The request's JSON body; raises ValidationError."""
    return model.model_validate_json(await request.read())


def is_foreign_control(request: web.Request) -> bool:
    """Whether another machine asks for control."""
    return request.path.startswith("/control/") and request.remote not in _LOOPBACK


class Control:
    """The faults of a sandbox and the calls that it received.

    Args:
        faults: the plan that is changed.
        kinds: the kinds of faults that the sandbox has.
    """

    def __init__(self, faults: FaultPlan, kinds: frozenset[FaultKind]) -> None:
        self.faults = faults
        self._kinds = kinds
        self._calls: deque[dict[str, str]] = deque(maxlen=_REMEMBERED_CALLS)

    def note(self, operation: str, order_id: str, key: str) -> None:
        """Remember a call."""
        self._calls.append({"operation": operation, "order_id": order_id, "idempotency_key": key})

    def add_routes(self, app: web.Application) -> None:
        """Serve the endpoints."""
        app.router.add_post("/control/faults", self._add_fault)
        app.router.add_get("/control/faults", self._list_faults)
        app.router.add_delete("/control/faults", self._clear_faults)
        app.router.add_delete("/control/faults/{number:[0-9]+}", self._remove_fault)
        app.router.add_get("/control/calls", self._list_calls)

    async def _add_fault(self, request: web.Request) -> web.Response:
        body = await read_body(request, FaultBody)
        if body.kind not in self._kinds:
            raise RequestRefused("wrong_kind", f"this sandbox has no faults of kind {body.kind}")
        active = self.faults.add(Fault(**body.model_dump()))
        return web.json_response({"number": active.number}, status=201)

    async def _list_faults(self, _: web.Request) -> web.Response:
        return web.json_response({"faults": [_describe(item) for item in self.faults.active()]})

    async def _clear_faults(self, _: web.Request) -> web.Response:
        self.faults.clear()
        return web.Response(status=204)

    async def _remove_fault(self, request: web.Request) -> web.Response:
        if not self.faults.remove(int(request.match_info["number"])):
            raise RequestRefused("unknown_fault", "there is no fault with this number")
        return web.Response(status=204)

    async def _list_calls(self, _: web.Request) -> web.Response:
        return web.json_response({"calls": list(self._calls)})


def _describe(active: ActiveFault) -> dict[str, object]:
    return {
        "number": active.number,
        **asdict(active.fault),
        "hits": active.hits,
        "holding": active.holding,
    }
