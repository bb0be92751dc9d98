"""Executes requests: once per idempotency key, one at a time for an object.

https://docs.stripe.com/api/idempotent_requests: "saves the status code and body of the first
request made with a given idempotency key after endpoint execution begins … including 500 errors";
parameters that fail validation and requests that conflict with a running one are not saved; another
request with the key is an error; a key is removed after at least 24 hours.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.providers.faults import ActiveFault, Fault
from adapters.sandboxes.sqlite_thread import SqliteThread
from adapters.sandboxes.stripe import bank, intents
from adapters.sandboxes.stripe.account import Account
from adapters.sandboxes.stripe.books import Books, Saved
from adapters.sandboxes.stripe.calls import ApiCall
from adapters.sandboxes.stripe.endpoints import Endpoint
from adapters.sandboxes.stripe.errors import Body, StripeRefusal, server_error
from adapters.sandboxes.stripe.expansion import expand
from adapters.sandboxes.stripe.limits import InWork
from adapters.sandboxes.stripe.objects import INTENT, visible

_SERVER_ERRORS: Final = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: status, JSON text, further headers."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(refused: StripeRefusal) -> Answer:
    """An error as an answer."""
    return Answer(refused.status, json.dumps(visible(refused.to_body())), refused.headers)


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request that was read: key, id and version are of its headers."""

    endpoint: Endpoint
    request_id: str
    key: str
    version: str
    path: Mapping[str, str]
    values: Body

    @property
    def url(self) -> str:
        """Method and path."""
        return f"{self.endpoint.method} {self.endpoint.path.format(**self.path)}"

    @property
    def fingerprint(self) -> str:
        """What another request with the same key must agree in."""
        return hashlib.sha256(json.dumps(self.values, sort_keys=True).encode()).hexdigest()

    @property
    def object_id(self) -> str:
        """The object that it changes; "" for none."""
        return str(self.path.get("id") or self.values.get("payment_intent") or "")

    def expanded(self) -> Sequence[str]:
        """The paths to expand."""
        sent = self.values.get("expand")
        return [each for each in sent.values() if isinstance(each, str)] if sent else []


class Execution:
    """Executes requests on the books of an account."""

    def __init__(self, ledger: SqliteThread[Books], account: Account) -> None:
        self.ledger = ledger
        self.account = account
        self._in_work = InWork()

    async def run(
        self, request: ApiRequest, decision: Fault | None, waits: Sequence[ActiveFault]
    ) -> Answer:
        """The answer to a request; `waits` is how long the bank thinks.

        Raises:
            StripeRefusal: refused before anything began.
        """
        wait_s = self.account.settings.lock_wait_s
        changed_id = request.object_id if request.endpoint.changes else ""
        with self._in_work.key(request.key):
            async with self._in_work.object(changed_id, wait_s):
                if not waits:
                    return await self.transact(request, decision, self._complete)
                answer = await self.transact(request, decision, self._begin)
                if answer.status:
                    return answer
                async with self._in_work.object("" if changed_id else answer.body, wait_s):
                    for wait in waits:
                        await wait.wait()
                    return await self._resume(request, decision, answer.body)

    async def save_error(self, request: ApiRequest) -> Answer:
        """Answer 500 to a request, now and whenever its key comes again; nothing is done."""

        def fail(_: ApiRequest, __: ApiCall) -> Answer:
            return refusal(server_error(saved=True))

        return await self.transact(request, None, fail)

    async def replace_by_error(self, request: ApiRequest) -> Answer:
        """Let 500 be the answer of a request that was executed."""
        answer = refusal(server_error(saved=True))
        if request.key:
            await self.ledger.run(lambda books: books.end(request.key, answer.status, answer.body))
        return answer

    async def transact(
        self,
        request: ApiRequest,
        decision: Fault | None,
        work: Callable[[ApiRequest, ApiCall], Answer],
    ) -> Answer:
        """Do `work` in a transaction, unless the key has an answer already."""

        def run(books: Books) -> Answer:
            call = self.call(books, request, decision)
            saved = books.saved(request.key) if request.key else None
            if saved is not None:
                _check_same(saved, request)
                if saved.status is not None:
                    return _replayed(saved)
            elif request.key:
                books.begin(request.key, request.fingerprint, request.url, request.request_id)
            if saved is not None and saved.object_id is not None:
                answer = self._charge(request, call, saved.object_id)  # its process was killed
            else:
                answer = work(request, call)
            return self._end(books, request, answer)

        return await self.ledger.run(run)

    def call(self, books: Books, request: ApiRequest | None, decision: Fault | None) -> ApiCall:
        """A call on the books, after everything that is due by now has happened."""
        books.now = self.account.now()
        books.search_lag_s = self.account.settings.search_lag_s
        call = ApiCall(books, self.account.settings, request.version if request else "")
        bank.settle(call)
        if request is not None:
            call.path, call.values = request.path, request.values
        if decision is not None:
            call.decision, call.processing_s = decision.kind, decision.delay_s
        return call

    async def _resume(self, request: ApiRequest, decision: Fault | None, reference: str) -> Answer:
        def run(books: Books) -> Answer:
            call = self.call(books, request, decision)
            return self._end(books, request, self._charge(request, call, reference))

        return await self.ledger.run(run)

    def _begin(self, request: ApiRequest, call: ApiCall) -> Answer:
        """The first half of a charge: an answer without a status names the payment intent."""
        body = request.endpoint.work(call)
        if request.key:
            call.books.note(request.key, body["id"])
        return Answer(0, body["id"])

    def _complete(self, request: ApiRequest, call: ApiCall) -> Answer:
        def work() -> Body:
            body = request.endpoint.work(call)
            return intents.charge(call, body) if request.endpoint.is_charge(call) else body

        return _answered(call.books, request, work)

    def _charge(self, request: ApiRequest, call: ApiCall, reference: str) -> Answer:
        intent = call.stored(INTENT, reference, "intent")
        return _answered(call.books, request, lambda: intents.charge(call, intent))

    def _end(self, books: Books, request: ApiRequest, answer: Answer) -> Answer:
        if request.key and answer.status:
            books.end(request.key, answer.status, answer.body)
        return answer


def _answered(books: Books, request: ApiRequest, work: Callable[[], Body]) -> Answer:
    """A refusal that is saved is an answer, so that what it has changed stays."""
    try:
        body = work()
    except StripeRefusal as refused:
        if not refused.saved:
            raise
        return refusal(refused)
    return Answer(200, json.dumps(visible(expand(books, body, request.expanded()))))


def _check_same(saved: Saved, request: ApiRequest) -> None:
    text = "Keys for idempotent requests can only be used"
    rest = (
        f"Try using a key other than '{request.key}' if you meant to execute a different request."
    )
    if saved.endpoint != request.url:
        where = saved.endpoint.partition(" ")[2]
        text = f"{text} for the same endpoint they were first used for ('{where}'). {rest}"
        raise StripeRefusal(400, text, kind="idempotency_error")
    if saved.fingerprint != request.fingerprint:
        text = f"{text} with the same parameters they were first used with. {rest}"
        raise StripeRefusal(400, text, kind="idempotency_error")


def _replayed(saved: Saved) -> Answer:
    headers = {"Idempotent-Replayed": "true", "Original-Request": saved.request_id}
    if saved.status is not None and saved.status >= _SERVER_ERRORS:
        headers["Stripe-Should-Retry"] = "false"
    return Answer(saved.status or 0, saved.body or "", headers)
