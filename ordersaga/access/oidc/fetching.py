"""Asks the issuer for JSON, within limits of time and size, whatever it answers."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from ordersaga.access.oidc.errors import IssuerUnavailable

WITHIN_S: Final = 5.0
"""How long one answer may take, from the name of the host to the last byte."""

MOST_BYTES: Final = 500_000


@dataclass(frozen=True, slots=True)
class Form:
    """What is posted.

    Attributes:
        authorization: the credentials of the client, as a header; None: it has none.
    """

    fields: Mapping[str, str]
    authorization: str | None = field(default=None, repr=False)


async def fetch_json(url: str, form: Form | None = None) -> dict[str, Any]:
    """A JSON object of the issuer.

    Args:
        url: of the issuer's own documents; redirects are not followed.
        form: is posted; None: the object is only asked for.

    Raises:
        IssuerUnavailable: says what came instead.
    """
    try:
        async with asyncio.timeout(WITHIN_S):
            body = await _body(url, form)
        data = json.loads(body)
    except TimeoutError:
        raise IssuerUnavailable(f"the issuer does not answer within {WITHIN_S:g} s") from None
    except (aiohttp.ClientError, OSError) as error:
        problem = f"the issuer cannot be reached ({type(error).__name__})"
        raise IssuerUnavailable(problem) from None
    except (ValueError, RecursionError):
        raise IssuerUnavailable("the issuer's answer is no JSON") from None
    if not isinstance(data, dict):
        raise IssuerUnavailable("the issuer's answer is no JSON object")
    return data


async def _body(url: str, form: Form | None) -> bytes:
    # A compressed answer could be small and yet endless: none is asked for, none is unpacked.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    sent: dict[str, Any] = {"headers": headers, "allow_redirects": False}
    if form is not None:
        sent["data"] = dict(form.fields)
        if form.authorization is not None:
            headers["Authorization"] = form.authorization
    async with (
        aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as http,
        http.request("GET" if form is None else "POST", url, **sent) as answer,
    ):
        if answer.status != 200:
            problem = f"the issuer answers with the status {answer.status}"
            raise IssuerUnavailable(problem, answer.status)
        return await _whole(answer.content)


async def _whole(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for part in content.iter_any():
        body += part
        if len(body) > MOST_BYTES:
            raise IssuerUnavailable(f"the issuer's answer is longer than {MOST_BYTES:,} bytes")
    return bytes(body)
