"""The stand-in as an HTTP service, with injected faults and control.

Control (from this machine only) is that of `adapters.sandboxes.control`, and:

    GET  /control/settings                          the account's settings
    POST /control/settings                          change some
    GET  /control/clock                             the account's time
    POST /control/clock                             {"advance_s": 604800} moves it forward
    POST /control/keys                              what a key may do: expired, revoked, rights
    POST /control/payment_intents/{id}/authenticate {"succeeded": true}, as the customer does
    POST /control/refunds/{id}                      {"status": "failed"}: a refund ends now
    GET  /control/ledger                            the sums of the books, by currency

Operations for faults are those of `adapters.sandboxes.stripe.endpoints`; ``bank`` is the bank,
while a charge waits for it: DELAY_BEFORE, HOLD_BEFORE, DECLINED, PROCESSING.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import web
from pydantic import ValidationError

from adapters.providers.faults import (
    WAITS_BEFORE,
    ActiveFault,
    Fault,
    FaultKind,
    FaultPlan,
    delay_and_fail_after,
    delay_and_fail_before,
)
from adapters.providers.rules import RequestRefused
from adapters.sandboxes.control import Control, is_foreign_control
from adapters.sandboxes.sqlite_thread import SqliteThread
from adapters.sandboxes.stripe.account import Account, AccountSettings, check_right, key_in
from adapters.sandboxes.stripe.account_control import AccountControl
from adapters.sandboxes.stripe.books import Books, tables
from adapters.sandboxes.stripe.endpoints import ENDPOINTS, Endpoint
from adapters.sandboxes.stripe.errors import (
    StripeRefusal,
    invalid,
    key_in_use,
    locked,
    rate_limited,
    server_error,
)
from adapters.sandboxes.stripe.execution import Answer, ApiRequest, Execution, refusal
from adapters.sandboxes.stripe.expansion import needed_rights
from adapters.sandboxes.stripe.form import parse_form
from adapters.sandboxes.stripe.limits import RateLimiter
from adapters.sandboxes.stripe.objects import INTENT, new_id

_VERSION: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(\.[a-z]+)?", re.ASCII)
_OLDEST_VERSION: Final = "2022-11-15"
_ACCOUNT_VERSION: Final = "2026-10-28.endive"
_LONGEST_KEY: Final = 255
_HUGE: Final = 8_000_000


def create_stripe_app(
    ledger_path: Path,
    *,
    settings: AccountSettings | None = None,
    faults: FaultPlan | None = None,
) -> web.Application:
    """The stand-in on the ledger in `ledger_path`.

    Args:
        ledger_path: SQLite file; created if it does not exist.
        settings: of the account, unless the ledger has others.
        faults: injected faults from the start.
    """
    ledger = SqliteThread(ledger_path, tables(), Books)
    account = Account(settings or AccountSettings())
    return _Server(Execution(ledger, account), faults or FaultPlan()).application()


class _Dropped(Exception):
    """The connection is to be closed without an answer."""


class _Server:
    def __init__(self, execution: Execution, faults: FaultPlan) -> None:
        self._execution = execution
        self._account = execution.account
        self._faults = faults
        self._control = Control(faults, frozenset(FaultKind))
        self._limiter = RateLimiter()

    def application(self) -> web.Application:
        """An application that opens and closes the ledger."""
        app = web.Application(middlewares=[_errors_as_json])
        app.cleanup_ctx.append(self._lifetime)
        for endpoint in ENDPOINTS:
            app.router.add_route(endpoint.method, endpoint.path, self._handler(endpoint))
        app.router.add_get("/healthz", self._health)
        self._control.add_routes(app)
        AccountControl(self._execution).add_routes(app)
        return app

    def _handler(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            request_id = new_id("req")
            try:
                answer = await self._serve(endpoint, request, request_id)
            except StripeRefusal as refused:
                answer = refusal(refused)
            except _Dropped:
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()  # the connection is gone; nobody reads it
            return _response(answer, request, request_id)

        return handle

    async def _serve(self, endpoint: Endpoint, request: web.Request, request_id: str) -> Answer:
        """The checks in the order in which Stripe makes them: the limiter before the key."""
        api_key = key_in(request.headers.get("Authorization", ""))
        rights = self._account.rights(api_key)
        api_request = await _read(endpoint, request, request_id)
        self._limiter.admit(endpoint.operation, self._account.settings)
        for right in {endpoint.right, *needed_rights(api_request.expanded())}:
            check_right(rights, right, api_key)
        order_id = await self._execution.ledger.run(lambda books: _order_of(books, api_request))
        self._control.note(endpoint.operation, order_id, api_request.key)
        return await self._execute(api_request, order_id)

    async def _execute(self, request: ApiRequest, order_id: str) -> Answer:
        operation = request.endpoint.operation
        hits = self._faults.hit(operation, order_id, request.key)
        failed = await delay_and_fail_before(hits)
        if failed is FaultKind.SAVED_ERROR:
            return await self._execution.save_error(request)
        if failed:
            raise _failure(failed, request, hits)
        decision, waits = self._bank(request, order_id)
        try:
            answer = await self._execution.run(request, decision, waits)
        except StripeRefusal as refused:
            answer = refusal(refused)  # an answer as well, which can be delayed or lost
        failed = await delay_and_fail_after(hits)
        if failed is FaultKind.SAVED_ERROR_AFTER:
            return await self._execution.replace_by_error(request)
        return _spoiled(answer, failed)

    def _bank(
        self, request: ApiRequest, order_id: str
    ) -> tuple[Fault | None, tuple[ActiveFault, ...]]:
        operation = request.endpoint.operation
        decision = self._faults.bank_fault(operation, order_id, request.key)
        if not _is_charge(request):
            return decision, ()
        hits = self._faults.hit("bank", order_id, request.key)
        decision = decision or self._faults.bank_fault("bank", order_id, request.key)
        return decision, tuple(hit for hit in hits if hit.fault.kind in WAITS_BEFORE)

    async def _lifetime(self, app: web.Application) -> AsyncIterator[None]:
        ledger = self._execution.ledger
        await ledger.open()
        await ledger.run(self._account.load)
        app.on_shutdown.append(self._release_held_calls)
        yield
        await ledger.close()

    async def _release_held_calls(self, _: web.Application) -> None:
        self._faults.clear()

    async def _health(self, _: web.Request) -> web.Response:
        records = await self._execution.ledger.run(Books.count)
        return web.json_response({"status": "ok", "records": records})


async def _read(endpoint: Endpoint, request: web.Request, request_id: str) -> ApiRequest:
    version = request.headers.get("Stripe-Version", _ACCOUNT_VERSION)
    match = _VERSION.fullmatch(version)
    if match is None or match[1] < _OLDEST_VERSION:
        raise invalid(f"Invalid Stripe API version: {version}")
    key = request.headers.get("Idempotency-Key", "") if endpoint.changes else ""
    if len(key) > _LONGEST_KEY:
        raise invalid(f"Idempotency keys can be at most {_LONGEST_KEY} characters long.")
    is_form = request.content_type in (
        "application/x-www-form-urlencoded",
        "application/octet-stream",
    )
    if endpoint.changes and not is_form:
        raise invalid("Invalid request: send the parameters as application/x-www-form-urlencoded.")
    sent = (await request.post()) if endpoint.changes else request.query
    pairs = [(name, value) for name, value in sent.items() if isinstance(value, str)]
    path = dict(request.match_info)
    return ApiRequest(endpoint, request_id, key, match[1], path, parse_form(pairs))


def _order_of(books: Books, request: ApiRequest) -> str:
    """The order of a request: of its metadata, or of the payment intent that it names."""
    metadata = request.values.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("order_id"), str):
        return str(metadata["order_id"])
    intent = books.find(INTENT, request.object_id)
    return "" if intent is None else str(intent["metadata"].get("order_id", ""))


def _is_charge(request: ApiRequest) -> bool:
    operation = request.endpoint.operation
    return operation == "confirm" or (
        operation == "create" and request.values.get("confirm") == "true"
    )


def _failure(
    kind: FaultKind, request: ApiRequest, hits: tuple[ActiveFault, ...]
) -> StripeRefusal | _Dropped:
    delay_s = next(hit.fault.delay_s for hit in hits if hit.fault.kind is kind)
    refusals: dict[FaultKind, Callable[[], StripeRefusal]] = {
        FaultKind.UNAVAILABLE: lambda: StripeRefusal(503, "Try again later.", kind="api_error"),
        FaultKind.REJECTED: lambda: StripeRefusal(401, "Invalid API Key provided: injected"),
        FaultKind.INVALID: lambda: invalid("injected fault"),
        FaultKind.SERVER_ERROR: lambda: server_error(saved=False),
        FaultKind.IN_WORK: lambda: key_in_use(request.key),
        FaultKind.RATE_LIMITED: lambda: rate_limited("global-rate", delay_s),
        FaultKind.LOCKED: locked,
    }
    return refusals[kind]() if kind in refusals else _Dropped()


def _spoiled(answer: Answer, failed: FaultKind | None) -> Answer:
    if failed is FaultKind.GARBAGE:
        return Answer(200, '{"id": "pi_')
    if failed is FaultKind.HUGE_ANSWER:
        return Answer(answer.status, answer.body + " " * _HUGE, answer.headers)
    if failed is not None:
        raise _Dropped
    return answer


def _response(answer: Answer, request: web.Request, request_id: str) -> web.Response:
    headers = {"Request-Id": request_id, **answer.headers}
    for name in ("Idempotency-Key", "Stripe-Version"):
        if name in request.headers:
            headers[name] = request.headers[name]
    return web.Response(
        text=answer.body, status=answer.status, headers=headers, content_type="application/json"
    )


@web.middleware
async def _errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    if is_foreign_control(request):
        return _error(403, "control is only open to this machine")
    try:
        return await handler(request)
    except RequestRefused as refused:
        return _error(404 if refused.code.startswith("unknown_") else 422, str(refused))
    except StripeRefusal as refused:
        return _error(refused.status, str(refused))
    except ValidationError as error:
        fields = [".".join(map(str, each["loc"])) or "body" for each in error.errors()]
        return _error(400, f"invalid or missing: {', '.join(fields)}")
    except web.HTTPException as error:
        if error.status not in (404, 405):
            return _error(error.status, error.reason)
        return _error(404, f"Unrecognized request URL ({request.method}: {request.path}).")


def _error(status: int, message: str) -> web.Response:
    return web.json_response(StripeRefusal(status, message).to_body(), status=status)
