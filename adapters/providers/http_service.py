"""A JSON service over HTTP: connection pool, time-outs, and the meaning of failures."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, ValidationError

from activities.ports import GatewayRejected, GatewayUnavailable, OutcomeUnknown
from adapters.providers.answers import Received, failure
from adapters.providers.breaker import LONGEST_WAIT_S
from adapters.providers.call_limits import call_limit
from adapters.providers.connections import HttpPool, read_answer
from adapters.providers.provider import Provider
from adapters.providers.retry_after import retry_after_s
from adapters.providers.wire import IDEMPOTENCY_HEADER, REPLAYED_HEADER, ErrorBody
from eventstore.deadline import NoTimeLeft

_Model = TypeVar("_Model", bound=BaseModel)

_POOL_SIZE: Final = 100
_NO_SUCH_PATH: Final = frozenset({404, 405, 410})
_UNKNOWN: Final = "unknown_"
_SAFE_CODE: Final = re.compile(r"[a-z_]{1,60}", re.ASCII)


class HttpService:
    """Calls to the service at `base_url`; the first call opens the connection pool.

    Args:
        provider: whose service it is; its name is the name of the service in errors.
        base_url: http or https URL without a query.
        timeout_s: seconds for a whole call, including the connection; less if the attempt that
            calls has less time left.

    Raises:
        ValueError: `base_url` is not an http(s) URL.
    """

    def __init__(self, provider: Provider, base_url: str, timeout_s: float) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ValueError(f"{provider.name}: the base URL must start with http:// or https://")
        self._provider = provider
        self._name = provider.name
        self._base_url = base_url.rstrip("/")
        self._pool = HttpPool(timeout_s, _POOL_SIZE)
        self._timeout_s = timeout_s

    async def get(
        self, path: str, answer: type[_Model], query: Mapping[str, str | int] | None = None
    ) -> _Model:
        """Read a resource.

        Raises:
            NotFound: the service says that it does not exist.
            GatewayUnavailable, GatewayRefusedAccess, GatewayRejected: see `failure`.
        """
        async with self._provider.calling(changes=False):
            received = await self._send("GET", path, query=query)
            return self._read(path, received, answer, changes=False)

    async def post(
        self, path: str, body: BaseModel | None, key: str | None, answer: type[_Model]
    ) -> _Model:
        """Change a resource, once per `key` if there is one.

        Raises:
            GatewayUnavailable, GatewayRefusedAccess, OutcomeUnknown, GatewayRejected: see
                `failure`.
        """
        async with self._provider.calling(changes=True):
            received = await self._send("POST", path, body=body, key=key)
            return self._read(path, received, answer, changes=True)

    async def close(self) -> None:
        """Release the connections; a later call opens new ones."""
        await self._pool.close()

    def reject_answer(self, path: str, *, changes: bool) -> NoReturn:
        """Raise the error for an invalid answer."""
        what = f"{self._name} {_shown(path)}: the answer cannot be read"
        raise (OutcomeUnknown(what) if changes else GatewayUnavailable(what)) from None

    async def _send(
        self,
        method: str,
        path: str,
        *,
        body: BaseModel | None = None,
        key: str | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> "_Answered":
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if key is not None:
            headers[IDEMPOTENCY_HEADER] = key
        try:
            async with (
                call_limit(self._name, self._timeout_s),
                self._pool.session().request(
                    method,
                    self._base_url + path,
                    data=body.model_dump_json().encode() if body is not None else None,
                    params=query,
                    headers=headers,
                    allow_redirects=False,
                ) as response,
            ):
                content = await read_answer(response)
                return _Answered(response.status, content, response.headers)
        except NoTimeLeft:
            raise  # not begun, and not for the provider's sake
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise failure(f"{self._name} {_shown(path)}", error, changes=method != "GET") from None

    def _read(
        self, path: str, answered: "_Answered", answer: type[_Model], *, changes: bool
    ) -> _Model:
        if answered.status not in (200, 201):
            received = answered.received
            if received.status == 404 and received.code.startswith(_UNKNOWN):
                raise NotFound(f"{self._name} {_shown(path)}: {received.code}")
            raise failure(f"{self._name} {_shown(path)}", received, changes=changes)
        try:
            return answer.model_validate_json(answered.content)
        except ValidationError:
            self.reject_answer(path, changes=changes)


@dataclass(frozen=True, slots=True)
class _Answered:
    status: int
    content: bytes
    headers: Mapping[str, str]

    @property
    def received(self) -> Received:
        """It as an answer that is no success."""
        code = _error_code(self.content)
        if self.status in _NO_SUCH_PATH and not code.startswith(_UNKNOWN):
            code = ""  # nothing of a payment or label: the address in our settings is wrong
        return Received(
            self.status,
            code,
            self.headers.get(REPLAYED_HEADER, "") == "true",
            retry_after_s(self.headers, LONGEST_WAIT_S),
        )


class NotFound(GatewayRejected):
    """The service says that the resource does not exist."""


def build_body(what: str, build: Callable[[], _Model]) -> _Model:
    """The result of `build`; raises GatewayRejected if the request is not valid as a body."""
    try:
        return build()
    except ValidationError as invalid:
        fields = ", ".join(".".join(map(str, error["loc"])) for error in invalid.errors())
        raise GatewayRejected(f"{what}: cannot be sent, invalid or too long: {fields}") from None


def in_path(value: str) -> str:
    """`value` as a single path segment."""
    return quote(value, safe="")


def _shown(path: str) -> str:
    """The path without keys and references."""
    parts = path.split("/")
    if parts[2:3] == ["by-key"]:
        return "/".join([*parts[:3], "…", *parts[4:]])
    return "/".join([*parts[:2], *(["…"] if len(parts) > 2 else []), *parts[3:4]])


def _error_code(content: bytes) -> str:
    try:
        code = ErrorBody.model_validate_json(content).error.code
    except ValidationError:
        return ""
    return code if _SAFE_CODE.fullmatch(code) else ""
