"""Logging in with the issuer: the authorization code flow with PKCE (RFC 6749, 7636, 9700)."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus, urlencode

import aiohttp

from ordersaga.access.oidc.claims import token_of
from ordersaga.access.oidc.errors import IssuerUnavailable, TokenRefused
from ordersaga.access.oidc.fetching import Form, fetch_json
from ordersaga.access.oidc.issuer import Issuer
from ordersaga.access.oidc.options import ConsoleClient, OidcOptions
from ordersaga.access.oidc.verifier import Verifier

LONGEST_IN_A_COOKIE: Final = 3800
"""Characters of an ID token that a browser keeps."""

_SECRET_BYTES: Final = 32
_SECRET_LENGTH: Final = 43
_BAD_REQUEST: Final = 400


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a browser to log in; the browser alone keeps its secret.

    State, nonce and code verifier follow from the secret, so an answer of the issuer is taken from
    the browser only that began.

    Attributes:
        secret: 256 random bits.
        next_page: where the person wanted to go.
    """

    secret: str = field(repr=False)
    next_page: str

    @classmethod
    def begin(cls, next_page: str) -> "Attempt":
        """A new one."""
        return cls(secrets.token_urlsafe(_SECRET_BYTES), next_page)

    @classmethod
    def of_cookie(cls, text: str) -> "Attempt | None":
        """What `cookie` wrote; None if it is something else."""
        secret, _, page = text.partition(".")
        if len(secret) != _SECRET_LENGTH:
            return None
        try:
            return cls(secret, base64.urlsafe_b64decode(f"{page}==").decode())
        except ValueError:
            return None

    def cookie(self) -> str:
        """The attempt as a text for the browser to keep."""
        return f"{self.secret}.{_text(self.next_page.encode())}"

    @property
    def state(self) -> str:
        """Comes back with the answer; holds for this next page alone."""
        return self._derived(f"state\n{self.next_page}")

    @property
    def nonce(self) -> str:
        """Stands in the ID token."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """Proves to the issuer that who has the code is who asked for it."""
        return self._derived("verifier")

    def fits(self, state: str) -> bool:
        """Whether an answer with this state is the one to this attempt."""
        return hmac.compare_digest(state.encode(), self.state.encode())

    def _derived(self, purpose: str) -> str:
        return _text(hmac.digest(self.secret.encode(), purpose.encode(), hashlib.sha256))


class Login:
    """Lets people log in with the issuer.

    Args:
        options: of the issuer.
        client: of the options.
        issuer: its endpoints.
        verifier: takes its ID tokens.
    """

    def __init__(
        self, options: OidcOptions, client: ConsoleClient, issuer: Issuer, verifier: Verifier
    ) -> None:
        self.label = client.label
        self.issuer_url = options.issuer
        self._options = options
        self._client = client
        self._issuer = issuer
        self._verifier = verifier

    async def begin(self, next_page: str) -> tuple[Attempt, str]:
        """An attempt, and where the issuer asks the person who they are.

        Raises:
            IssuerUnavailable: it does not answer.
        """
        attempt = Attempt.begin(next_page)
        endpoint = (await self._issuer.endpoints()).authorization
        if endpoint is None:
            raise IssuerUnavailable("the issuer names no address to log in at")
        query = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": self._client.redirect_uri,
            "scope": self._client.scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": _text(hashlib.sha256(attempt.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        return attempt, f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def finish(self, attempt: Attempt, code: str) -> str:
        """The ID token for the code that the issuer gave: a session of somebody with a role here.

        Raises:
            TokenRefused: the code or the ID token is wrong, or of another attempt.
            NotAdmitted: the person has no role here.
            IssuerUnavailable: it does not answer.
        """
        text = await self._exchange(attempt, code)
        claims = await self._verifier.claims(text)
        if claims.get("nonce") != attempt.nonce:
            raise TokenRefused("the ID token is the answer to another login")
        token_of(claims, self._options)
        return text

    async def _exchange(self, attempt: Attempt, code: str) -> str:
        endpoint = (await self._issuer.endpoints()).token
        if endpoint is None:
            raise IssuerUnavailable("the issuer names no address to exchange codes at")
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect_uri,
            "client_id": self._client.id,
            "code_verifier": attempt.verifier,
        }
        try:
            answer = await fetch_json(endpoint, Form(fields, self._credentials()))
        except IssuerUnavailable as error:
            if error.status == _BAD_REQUEST:
                raise TokenRefused("the issuer does not take the code") from None
            raise
        text = answer.get("id_token")
        if not isinstance(text, str):
            raise IssuerUnavailable("the issuer's answer holds no ID token")
        if len(text) > LONGEST_IN_A_COOKIE:
            raise TokenRefused("the ID token is too long: the issuer must put less into it")
        return text

    def _credentials(self) -> str | None:
        """Name and secret of the client, each encoded as RFC 6749, 2.3.1, asks for."""
        if self._client.secret is None:
            return None
        return aiohttp.encode_basic_auth(
            quote_plus(self._client.id), quote_plus(self._client.secret)
        )


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
