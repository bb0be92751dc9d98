"""From the claims of an issuer's token to who acts, in which role."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from domain.errors import InvalidValue
from domain.fields import parse_actor
from ordersaga.access.oidc.errors import NotAdmitted, TokenRefused
from ordersaga.access.oidc.options import OidcOptions
from ordersaga.access.roles import Role
from ordersaga.access.tokens import Token

LEEWAY_S: Final = 30
"""How far the clocks of the issuer and of this machine may be apart."""

LONGEST_S: Final = 86_400
"""How long a token may be valid: nobody can revoke it."""

PREFIX: Final = "oidc/"
"""Begins each name of the issuer: no name of a token of our own has a slash."""

_LONGEST_SUBJECT: Final = 255
_EMAIL: Final = "email"


def token_of(claims: Mapping[str, Any], options: OidcOptions) -> Token:
    """Who has a token with these claims, which were checked.

    Raises:
        TokenRefused: the token is valid for too long, or its subject is no text.
        NotAdmitted: its subject has no role, or no name.
    """
    begin, end = int(claims["iat"]), int(claims["exp"])
    if end - begin > LONGEST_S:
        raise TokenRefused("the token is valid for longer than a day")
    subject = claims["sub"]
    if not isinstance(subject, str) or not _is_subject(subject):
        raise TokenRefused("the token's subject is no text of up to 255 ASCII characters")
    token_id = _id(options.issuer, subject)
    role = _role(claims, options)
    if role is None:
        why = f"the claim {options.roles_claim} of the token names no role that is known here"
        raise NotAdmitted(why, token_id)
    return Token(
        id=token_id,
        name=_name(claims, options, role, token_id),
        role=role,
        scopes=(),
        created_at=datetime.fromtimestamp(begin, UTC),
        created_by=options.issuer,
        expires_at=datetime.fromtimestamp(end + LEEWAY_S, UTC),
        is_foreign=True,
    )


def _is_subject(text: str) -> bool:
    return text.isascii() and 0 < len(text) <= _LONGEST_SUBJECT


def _id(issuer: str, subject: str) -> str:
    digest = hashlib.sha256(issuer.encode() + b"\n" + subject.encode()).hexdigest()
    return f"oidc-{digest[:16]}"


def _role(claims: Mapping[str, Any], options: OidcOptions) -> Role | None:
    value = _claim(claims, options.roles_claim)
    names = {value} if isinstance(value, str) else set()
    if isinstance(value, list):
        names = {each for each in value if isinstance(each, str)}
    return next((role for name, role in options.roles.items() if name in names), None)


def _name(claims: Mapping[str, Any], options: OidcOptions, role: Role, token_id: str) -> str:
    name = _claim(claims, options.name_claim)
    if options.name_claim == _EMAIL and claims.get("email_verified") is not True:
        raise NotAdmitted("the e-mail address of the token is not verified", token_id)
    if not isinstance(name, str) or name != name.strip() or not _is_actor(f"{role}:{PREFIX}{name}"):
        why = f"the claim {options.name_claim} of the token is no name of up to 80 characters"
        raise NotAdmitted(why, token_id)
    return f"{PREFIX}{name}"


def _is_actor(actor: str) -> bool:
    """Whether events take it as it is."""
    try:
        return actor.isprintable() and parse_actor(actor) == actor
    except InvalidValue:
        return False


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, else by a path: names of claims may hold dots themselves."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
