"""An OpenID Connect issuer on this machine: real HTTP, real signatures, and troubles on demand."""

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus, urlencode

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

from tests.support.stack.stack import free_ports

AUDIENCE: Final = "orders-api"
CLIENT: Final = "orders-console"
CLIENT_SECRET: Final = "a secret: of 100 % ordinary"
ROLES: Final = {"shop-admins": "admin", "shop-operators": "operator", "shop-support": "support"}
LONG: Final = 400_000_000
"""Bytes of an answer that is too long."""

_PART: Final = b" " * 100_000
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def new_key(algorithm: str) -> Any:
    """A private key that can sign with this algorithm."""
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
    if algorithm in curves:
        return ec.generate_private_key(curves[algorithm])
    return rsa.generate_private_key(65537, 2048)


@dataclass(frozen=True)
class Grant:
    """What a code stands for."""

    challenge: str
    nonce: str
    redirect_uri: str


class IdentityProvider:
    """The issuer.

    Attributes:
        keys: algorithm and private key by key id; what is here is published.
        trouble: answers instead of documents and tokens; None: there is none.
        claims: more claims of ID tokens, or others.
        asked: how often each path was asked for.
    """

    def __init__(self, **algorithms: str) -> None:
        self.port = self._named_port = free_ports(1)[0]
        self.keys = {kid: (alg, new_key(alg)) for kid, alg in algorithms.items()}
        self.trouble: Answer | None = None
        self.claims: dict[str, Any] = {}
        self.asked: Counter[str] = Counter()
        self._grants: dict[str, Grant] = {}
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """As the issuer names itself."""
        return f"http://127.0.0.1:{self._named_port}/realm"

    def name_by(self, port: int) -> None:
        """Name itself by the port of a proxy before it."""
        self._named_port = port

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Settings of an API that believes this issuer."""
        values = {
            "oidc_issuer": self.url,
            "oidc_audience": AUDIENCE,
            "oidc_roles": ROLES,
            "oidc_roles_claim": "groups",
            "oidc_client_id": CLIENT,
            "oidc_client_secret": CLIENT_SECRET,
            "oidc_redirect_uri": "http://127.0.0.1:1/console/sign-in/return",
            "oidc_label": "the shop",
        }
        return values | changes

    async def start(self) -> None:
        """Listen."""
        app = web.Application(middlewares=[self._troubled])
        app.router.add_get("/realm/.well-known/openid-configuration", self._about)
        app.router.add_get("/realm/keys", self._keys)
        app.router.add_get("/realm/authorize", self._ask_person)
        app.router.add_post("/realm/authorize", self._person_agrees)
        app.router.add_post("/realm/token", self._token)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    def rotate(self, kid: str, algorithm: str = "ES256") -> None:
        """Sign with another key from now on, and forget all others."""
        self.keys = {kid: (algorithm, new_key(algorithm))}

    def token(self, *, kid: str | None = None, header: Any = None, **changes: Any) -> str:
        """A token for the API; a claim that is changed to None is left out."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "sub": "f3a1",
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 600,
            "groups": ["everybody", "shop-operators"],
            "email": "ann@shop.example",
            **changes,
        }
        kid = kid or next(iter(self.keys))
        algorithm, key = self.keys[kid]
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, key, algorithm, {"kid": kid, **(header or {})})

    def id_token(self, **changes: Any) -> str:
        """A token for the console."""
        return self.token(aud=CLIENT, **changes)

    def agree(self, query: Mapping[str, str]) -> str:
        """What the browser is sent back to after a person has agreed to log in."""
        assert query["response_type"] == "code"
        assert (query["client_id"], query["code_challenge_method"]) == (CLIENT, "S256")
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        grant = Grant(query["code_challenge"], query["nonce"], query["redirect_uri"])
        self._grants[code] = grant
        more = {"code": code, "state": query["state"], "iss": self.url, "session_state": "x"}
        return f"{grant.redirect_uri}?{urlencode(more)}"

    def public_pem(self, kid: str) -> bytes:
        """A public key, which everybody may know."""
        key = self.keys[kid][1].public_key()
        return bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    @web.middleware
    async def _troubled(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        self.asked[request.path.rpartition("/")[2]] += 1
        return await (self.trouble or handler)(request)

    async def _about(self, _request: web.Request) -> web.StreamResponse:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
        places = {name: f"{self.url}/{path}" for name, path in names.items()}
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys", **places})

    async def _keys(self, _request: web.Request) -> web.StreamResponse:
        known = get_default_algorithms()
        published: list[Any] = [{"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}, "nonsense"]
        for kid, (algorithm, key) in self.keys.items():
            made = known[algorithm].to_jwk(key.public_key(), as_dict=True)
            published.append({**made, "kid": kid, "use": "sig"})
        return web.json_response({"keys": published})

    async def _ask_person(self, request: web.Request) -> web.StreamResponse:
        page = "<form method=post><button>Continue as Ann</button></form>"
        return web.Response(
            text=f"<!doctype html><title>Log in</title>{page}", content_type="text/html"
        )

    async def _person_agrees(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPSeeOther(self.agree(request.query))

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        grant = self._grants.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        name, secret = _credentials(request.headers["Authorization"])
        if (name, secret) != (CLIENT, CLIENT_SECRET):
            return web.json_response({"error": "invalid_client"}, status=401)
        same = grant and (challenge, form["redirect_uri"]) == (grant.challenge, grant.redirect_uri)
        if grant is None or not same or form["grant_type"] != "authorization_code":
            return web.json_response({"error": "invalid_grant"}, status=400)
        claims = {"nonce": grant.nonce, **self.claims}
        answer = {
            "access_token": "opaque",
            "token_type": "Bearer",
            "id_token": self.id_token(**claims),
        }
        return web.json_response(answer)


def _credentials(header: str) -> tuple[str, str]:
    name, _, secret = base64.b64decode(header.partition(" ")[2]).decode().partition(":")
    return unquote_plus(name), unquote_plus(secret)


# --- troubles ------------------------------------------------------------------------------------


async def _hangs(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    raise AssertionError("nobody waits so long")


async def _is_slow(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.2)


async def _is_long(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(LONG // len(_PART)):
        await response.write(_PART)
    return response


def _says(text: str | bytes, status: int = 200, **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        body = text if isinstance(text, bytes) else text.encode()
        return web.Response(body=body, status=status, headers=headers)

    return answer


TROUBLES: Final[Mapping[str, tuple[Answer, str]]] = {
    "hangs": (_hangs, "does not answer within"),
    "drips": (_is_slow, "does not answer within"),
    "400 MB": (_is_long, "longer than 500,000 bytes"),
    "an error": (_says("no", 500), "the status 500"),
    "elsewhere": (_says("", 302, Location="http://127.0.0.1:1/"), "the status 302"),
    "no JSON": (_says("<html>"), "is no JSON"),
    "no text": (_says(b"\xff\xfe\x00"), "is no JSON"),
    "too deep": (_says("[" * 100_000), "is no JSON"),
    "a list": (_says("[]"), "is no JSON object"),
    "another issuer": (_says(json.dumps({"issuer": "https://evil.example"})), "names itself"),
    "packed": (_says(b"\x1f\x8b\x08\x00garbage", **{"Content-Encoding": "gzip"}), "is no JSON"),
}
"""Ways to answer badly, and what is said of each."""


@asynccontextmanager
async def opened_issuer(**algorithms: str) -> AsyncIterator[IdentityProvider]:
    """An issuer with keys of these algorithms; by default of one."""
    provider = IdentityProvider(**(algorithms or {"k1": "ES256"}))
    await provider.start()
    try:
        yield provider
    finally:
        await provider.stop()
