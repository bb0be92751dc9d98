"""Checks a token of the issuer: who signed it, for whom, and when it holds."""

from collections.abc import Mapping
from typing import Any, Final

import jwt
from jwt import exceptions

from ordersaga.access.oidc.claims import LEEWAY_S, token_of
from ordersaga.access.oidc.errors import TokenRefused
from ordersaga.access.oidc.issuer import Issuer
from ordersaga.access.oidc.keys import ALGORITHMS
from ordersaga.access.oidc.options import OidcOptions
from ordersaga.access.tokens import Token

LONGEST: Final = 12_000
"""Characters of a token; all headers of a request together may have little more."""

_DOTS: Final = 2
_REQUIRED: Final = ("iss", "sub", "aud", "exp", "iat")
_REASONS: Final[Mapping[type[Exception], str]] = {
    exceptions.ExpiredSignatureError: "the token has expired",
    exceptions.ImmatureSignatureError: "the token is not valid yet",
    exceptions.InvalidAudienceError: "the token is for another audience",
    exceptions.InvalidIssuerError: "the token is of another issuer",
    exceptions.InvalidSignatureError: "the token's signature is wrong",
}


class Verifier:
    """Takes the issuer's tokens for one audience.

    Args:
        options: of the issuer.
        issuer: its keys.
        audience: whom the tokens must be for.
        is_client: the audience is also whom the issuer makes them for, as it does ID tokens.
    """

    def __init__(
        self, options: OidcOptions, issuer: Issuer, audience: str, *, is_client: bool = False
    ) -> None:
        self._options = options
        self._issuer = issuer
        self._audience = audience
        self._is_client = is_client

    async def find(self, text: str) -> Token:
        """Who has this token.

        Raises:
            TokenRefused: it proves nothing.
            NotAdmitted: it names no role or no person.
            IssuerUnavailable: its signature cannot be checked.
        """
        return token_of(await self.claims(text), self._options)

    async def claims(self, text: str) -> Mapping[str, Any]:
        """What a token says; raises TokenRefused and IssuerUnavailable."""
        kid, algorithm = _header(text)
        key = await self._issuer.key(kid, algorithm)
        if key is None:
            raise TokenRefused("the token's key is not one of the issuer's")
        try:
            claims: dict[str, Any] = jwt.decode(
                text,
                key.public,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._options.issuer,
                leeway=LEEWAY_S,
                options={"require": list(_REQUIRED)},
            )
        except (exceptions.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise TokenRefused(_reason(error)) from None
        if self._is_client and claims.get("azp") not in (None, self._audience):
            raise TokenRefused("the token was made for another client")
        return claims


def looks_signed(text: str) -> bool:
    """Whether a text has the form of a JWT, so that it is none of our own tokens."""
    return text.count(".") == _DOTS


def _header(text: str) -> tuple[str | None, str]:
    """The key id and the algorithm that a token names, the latter one of `ALGORITHMS`."""
    try:
        header = jwt.get_unverified_header(text) if len(text) <= LONGEST else None
    except (exceptions.PyJWTError, ValueError, TypeError):
        header = None
    if header is None:
        raise TokenRefused("the token cannot be read")
    kid, algorithm = header.get("kid"), header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused("the token's algorithm is not allowed")
    return (kid if isinstance(kid, str) else None), algorithm


def _reason(error: Exception) -> str:
    if isinstance(error, exceptions.MissingRequiredClaimError):
        return f"the token has no claim {error.claim}"
    return _REASONS.get(type(error), "the token cannot be read")
