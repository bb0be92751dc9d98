"""Control of the account: settings, clock, keys, what customers and banks do, sums."""

from collections import Counter
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from adapters.providers.rules import RequestRefused
from adapters.sandboxes.control import read_body
from adapters.sandboxes.stripe import bank
from adapters.sandboxes.stripe.account import AccountSettings, KeyBody
from adapters.sandboxes.stripe.books import Books
from adapters.sandboxes.stripe.errors import Body, StripeRefusal
from adapters.sandboxes.stripe.execution import Execution
from adapters.sandboxes.stripe.objects import CHARGE, INTENT, REFUND, visible


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClockBody(_Request):
    """Request: POST /control/clock."""

    advance_s: Annotated[float, Field(ge=0, le=10 * 365 * 86400)]


class AuthenticationBody(_Request):
    """Request: POST /control/payment_intents/{id}/authenticate."""

    succeeded: bool = True


class RefundBody(_Request):
    """Request: POST /control/refunds/{id}."""

    status: Literal["succeeded", "failed"]


class AccountControl:
    """The endpoints that change what is not Stripe's API."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._account = execution.account

    def add_routes(self, app: web.Application) -> None:
        """Serve the endpoints."""
        app.router.add_get("/control/settings", self._settings)
        app.router.add_post("/control/settings", self._set)
        app.router.add_get("/control/clock", self._clock)
        app.router.add_post("/control/clock", self._advance)
        app.router.add_post("/control/keys", self._set_key)
        app.router.add_post("/control/payment_intents/{id}/authenticate", self._authenticate)
        app.router.add_post("/control/refunds/{id}", self._end_refund)
        app.router.add_get("/control/ledger", self._ledger)

    async def _settings(self, _: web.Request) -> web.Response:
        return web.json_response(self._account.settings.model_dump())

    async def _set(self, request: web.Request) -> web.Response:
        changes = (await read_body(request, AccountSettings)).model_dump(exclude_unset=True)
        self._account.settings = self._account.settings.model_copy(update=changes)
        await self._execution.ledger.run(self._account.save)
        return await self._settings(request)

    async def _clock(self, _: web.Request) -> web.Response:
        return web.json_response({"now": self._account.now()})

    async def _advance(self, request: web.Request) -> web.Response:
        self._account.moved_s += (await read_body(request, ClockBody)).advance_s
        await self._execution.ledger.run(self._account.save)
        return await self._clock(request)

    async def _set_key(self, request: web.Request) -> web.Response:
        key = await read_body(request, KeyBody)
        self._account.keys[key.key] = key
        await self._execution.ledger.run(self._account.save)
        return web.Response(status=204)

    async def _authenticate(self, request: web.Request) -> web.Response:
        succeeded = (await read_body(request, AuthenticationBody)).succeeded

        def work(books: Books) -> Body:
            call = self._execution.call(books, None, None)
            intent = call.stored(INTENT, request.match_info["id"], "intent", in_path=True)
            if intent["status"] != "requires_action":
                raise RequestRefused("wrong_state", f"the payment is {intent['status']}")
            try:
                (bank.charge if succeeded else bank.refuse_authentication)(call, intent)
            except StripeRefusal as refused:
                return refused.to_body()  # declined: what was changed stays
            return intent

        return web.json_response(visible(await self._execution.ledger.run(work)))

    async def _end_refund(self, request: web.Request) -> web.Response:
        status = (await read_body(request, RefundBody)).status

        def work(books: Books) -> Body:
            call = self._execution.call(books, None, None)
            refund = call.stored(REFUND, request.match_info["id"], "id", in_path=True)
            if refund["status"] in ("failed", "canceled"):
                raise RequestRefused("wrong_state", f"the refund is {refund['status']}")
            if status == "failed":
                bank.fail_refund(call, refund)
            else:
                refund |= {"status": status, "_due": None}
                books.update(refund)
            return refund

        return web.json_response(visible(await self._execution.ledger.run(work)))

    async def _ledger(self, _: web.Request) -> web.Response:
        def work(books: Books) -> Body:
            self._execution.call(books, None, None)
            return _sums(books)

        return web.json_response(await self._execution.ledger.run(work))


def _sums(books: Books) -> Body:
    captured: Counter[str] = Counter()
    refunded: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for charge in books.all_of(CHARGE):
        captured[charge["currency"]] += charge["amount_captured"]
        refunded[charge["currency"]] += charge["amount_refunded"] - charge["_released"]
    statuses: Counter[str] = Counter()
    for intent in books.all_of(INTENT):
        statuses[intent["status"]] += 1
        held[intent["currency"]] += intent["amount_capturable"]
    return {
        "captured": dict(captured),
        "refunded": dict(refunded),
        "held": {currency: amount for currency, amount in held.items() if amount},
        "payment_intents": dict(statuses),
    }
