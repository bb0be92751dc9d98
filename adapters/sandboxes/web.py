"""What both sandboxes share: calls on the ledger, with injected faults; health and control."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Generic, Literal

from aiohttp import web
from pydantic import ValidationError

from adapters.providers.faults import (
    STRIPE_ONLY,
    FaultKind,
    FaultPlan,
    delay_and_fail_after,
    delay_and_fail_before,
)
from adapters.providers.rules import Record, RequestRefused, digest
from adapters.providers.wire import (
    IDEMPOTENCY_HEADER,
    REPLAYED_HEADER,
    ErrorBody,
    ErrorDetail,
    RecordBody,
)
from adapters.sandboxes.control import Control, is_foreign_control
from adapters.sandboxes.ledger import Answer, Ledger, Records

_MAX_PAGE: Final = 500
_STATUS: Final = {
    FaultKind.UNAVAILABLE: 503,
    FaultKind.REJECTED: 401,
    FaultKind.INVALID: 400,
    FaultKind.SERVER_ERROR: 500,
    FaultKind.SAVED_ERROR: 500,
}
_SAVED: Final = "saved_failure"


def json_answer(body: str, status: int = 200, *, replayed: bool = False) -> web.Response:
    """An answer with a JSON text as body."""
    headers = {REPLAYED_HEADER: "true"} if replayed else None
    return web.Response(text=body, status=status, headers=headers, content_type="application/json")


def refusal(status: int, code: str, message: str) -> web.Response:
    """An error answer."""
    body = ErrorBody(error=ErrorDetail(code=code, message=message))
    return json_answer(body.model_dump_json(), status, replayed=code == _SAVED)


def _unknown(what: Literal["key", "reference"]) -> RequestRefused:
    return RequestRefused(f"unknown_{what}", f"there is no record with this {what}")


def read_key(request: web.Request) -> str:
    """The idempotency key; raises RequestRefused if there is none."""
    key = request.headers.get(IDEMPOTENCY_HEADER, "")
    if not 0 < len(key) <= 255:
        raise RequestRefused("missing_key", f"{IDEMPOTENCY_HEADER} must hold 1 to 255 characters")
    return key


def read_page(request: web.Request) -> tuple[int, int]:
    """`after` and `limit` of the query; raises RequestRefused."""
    try:
        after, limit = int(request.query.get("after", 0)), int(request.query.get("limit", 100))
    except ValueError:
        raise RequestRefused("invalid_page", "after and limit must be whole numbers") from None
    if not (0 <= after < 2**63 and 1 <= limit <= _MAX_PAGE):
        raise RequestRefused("invalid_page", f"after from 0, limit from 1 to {_MAX_PAGE}")
    return after, limit


def _status_of(refused: RequestRefused) -> int:
    if refused.code == "idempotency_conflict":
        return 409
    if refused.code.startswith("unknown_"):
        return 404
    if refused.code == _SAVED:
        return 500
    return 422


@web.middleware
async def _errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    if is_foreign_control(request):
        return refusal(403, "not_from_here", "control is only open to this machine")
    try:
        return await handler(request)
    except RequestRefused as refused:
        return refusal(_status_of(refused), refused.code, str(refused))
    except ValidationError as invalid:
        fields = [".".join(map(str, error["loc"])) or "body" for error in invalid.errors()]
        return refusal(400, "invalid_request", f"invalid or missing: {', '.join(fields)}")
    except web.HTTPException as error:
        return refusal(error.status, "http_error", error.reason)


class Sandbox(Generic[Record]):
    """The ledger and the faults of a sandbox, and how its calls run.

    Args:
        name: of the records in paths and in pages of the ledger: ``payments``.
        ledger: holds the records as bodies of the class `body`.
        body: the form of a record in answers.
        faults: injected faults from the start.
    """

    def __init__(
        self, name: str, ledger: Ledger, body: type[RecordBody[Record]], faults: FaultPlan | None
    ) -> None:
        self._name = name
        self.ledger = ledger
        self.faults = faults or FaultPlan()
        self._control = Control(self.faults, frozenset(FaultKind) - STRIPE_ONLY)
        self._body: type[RecordBody[Record]] = body

    def application(self) -> web.Application:
        """An application with what both sandboxes serve; it opens and closes the ledger."""
        app = web.Application(middlewares=[_errors_as_json])
        app.cleanup_ctx.append(self._ledger_lifetime)
        app.router.add_get(f"/{self._name}", self._list_page)
        app.router.add_get(f"/{self._name}/by-key/{{key}}", self._find)
        app.router.add_get("/healthz", self._health)
        self._control.add_routes(app)
        return app

    async def perform(
        self,
        request: web.Request,
        call: tuple[str, str, str],
        work: Callable[[Records], Answer],
    ) -> web.Response:
        """Run `work` with the faults that hit a call of (operation, order id, key)."""
        operation, order_id, key = call
        self._control.note(operation, order_id, key)
        hits = self.faults.hit(operation, order_id, key)
        failed = await delay_and_fail_before(hits)
        if failed is FaultKind.SAVED_ERROR and key:
            await self.ledger.run(lambda records: records.save_failure(key))
        if failed:
            return _fail(request, failed)
        try:
            answer: Answer | RequestRefused = await self.ledger.run(work)
        except RequestRefused as refused:
            answer = refused  # a refusal is an answer, so it can be delayed or lost as well
        failed = await delay_and_fail_after(hits)
        if failed:
            return _fail(request, failed)
        if isinstance(answer, RequestRefused):
            raise answer
        return json_answer(answer.body, replayed=answer.replayed)

    async def create(
        self,
        request: web.Request,
        call: tuple[str, str, str],
        fingerprint: str,
        make: Callable[[], Record],
    ) -> web.Response:
        """Answer with the record that `make` creates, once per key of the call."""
        return await self.perform(
            request,
            call,
            lambda records: records.answer(
                call[2], fingerprint, lambda records: self._insert(records, make())
            ),
        )

    async def change(
        self,
        request: web.Request,
        operation: str,
        change: Callable[[Record], Record],
        kept_after: Callable[[Record, Record], Record] = lambda _, answer: answer,
    ) -> web.Response:
        """Answer with the changed record of the reference in the path.

        Args:
            request: the request; its key, if it has one, is answered once.
            operation: the name of the call.
            change: the record in the answer.
            kept_after: what is kept, given the record before and the one in the answer.
        """
        key = request.headers.get(IDEMPOTENCY_HEADER, "")
        reference = request.match_info["reference"]

        def work(records: Records) -> str:
            before = self.stored(records, reference)
            answer = change(before)
            records.update(reference, self.json(kept_after(before, answer)))
            return self.json(answer)

        def answered(records: Records) -> Answer:
            if key:
                return records.answer(key, digest(operation, reference), work)
            return Answer(work(records), replayed=False)

        call = (operation, await self.order_id(reference), key or reference)
        return await self.perform(request, call, answered)

    async def forbid(
        self, request: web.Request, order_id: str, make: Callable[[str], Record]
    ) -> web.Response:
        """Answer with the record of the key in the path; `make` creates a forbidden one if none."""
        key = request.match_info["key"]
        return await self.perform(
            request,
            ("forbid", order_id, key),
            lambda records: records.forbid(key, lambda records: self._insert(records, make(key))),
        )

    async def read(self, request: web.Request) -> web.Response:
        """Answer with the record whose reference is in the path."""
        reference = request.match_info["reference"]
        call = ("read", await self.order_id(reference), "")
        return await self.perform(
            request,
            call,
            lambda records: Answer(self.json(self.stored(records, reference)), replayed=False),
        )

    async def order_id(self, reference: str) -> str:
        """The order of a record; raises RequestRefused if there is none with this reference."""
        return (await self.ledger.run(lambda records: self.stored(records, reference))).order_id

    async def _find(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]

        def look_up(records: Records) -> Answer:
            body = records.by_key(key)
            if body is None:
                raise _unknown("key")
            return Answer(body, replayed=False)

        body = await self.ledger.run(lambda records: records.by_key(key))
        order_id = json.loads(body)["order_id"] if body else ""
        return await self.perform(request, ("find", order_id, key), look_up)

    async def _list_page(self, request: web.Request) -> web.Response:
        after, limit = read_page(request)

        def page(records: Records) -> Answer:
            rows = records.after(after, limit)
            bodies = ",".join(body for _, body in rows)
            following = rows[-1][0] if len(rows) == limit else None
            text = f'{{"{self._name}":[{bodies}],"next":{json.dumps(following)}}}'
            return Answer(text, replayed=False)

        return await self.perform(request, ("list", "", ""), page)

    def json(self, record: Record) -> str:
        """A record as it is kept and answered."""
        return self._body.of(record).model_dump_json()

    def _insert(self, records: Records, record: Record) -> str:
        body = self.json(record)
        records.insert(record.reference, record.idempotency_key, body)
        return body

    def stored(self, records: Records, reference: str) -> Record:
        """The record with a reference; raises RequestRefused if there is none."""
        body = records.by_reference(reference)
        if body is None:
            raise _unknown("reference")
        return self._body.model_validate_json(body).to_record()

    async def _ledger_lifetime(self, app: web.Application) -> AsyncIterator[None]:
        await self.ledger.open()
        app.on_shutdown.append(self._release_held_calls)
        yield
        await self.ledger.close()

    async def _release_held_calls(self, _: web.Application) -> None:
        self.faults.clear()

    async def _health(self, _: web.Request) -> web.Response:
        records = await self.ledger.run(Records.count)
        return web.json_response({"status": "ok", "records": records})


def _fail(request: web.Request, kind: FaultKind) -> web.Response:
    if kind in _STATUS:
        return refusal(_STATUS[kind], str(kind), "injected fault")
    if kind is FaultKind.GARBAGE:
        return json_answer('{"reference": 7, "stat')
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # the connection is gone; nobody reads it
