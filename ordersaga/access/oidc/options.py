"""What an installation says about its issuer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from domain.errors import InvalidValue
from ordersaga.access.roles import Role

CALLBACK_PATH: Final = "/console/sign-in/return"
"""Where the issuer sends a browser back to."""


@dataclass(frozen=True, slots=True)
class ConsoleClient:
    """The console as a client of the issuer.

    Attributes:
        id: under which the issuer knows it.
        secret: None for a public client.
        redirect_uri: where the issuer sends the browser back to.
        scopes: that it asks for, separated by blanks.
        label: what the issuer is called on the button.
    """

    id: str
    secret: str | None = field(repr=False)
    redirect_uri: str
    scopes: str
    label: str


@dataclass(frozen=True, slots=True)
class OidcOptions:
    """An issuer, and what its tokens mean here.

    Attributes:
        issuer: exactly as it names itself.
        audience: of tokens for the API; None: the API takes none.
        client: None: nobody logs in to the console with it.
        roles_claim: where roles or groups stand; a dot leads into an object.
        roles: our roles by the issuer's; the first one that a token has counts.
        name_claim: names a person in the audit trail.
    """

    issuer: str
    audience: str | None
    client: ConsoleClient | None
    roles_claim: str
    roles: Mapping[str, Role]
    name_claim: str


class OidcSettings(Protocol):
    """The settings of an issuer."""

    oidc_issuer: str | None
    oidc_audience: str | None
    oidc_roles: dict[str, Role] | None
    oidc_roles_claim: str
    oidc_name_claim: str
    oidc_client_id: str | None
    oidc_client_secret: SecretStr | None
    oidc_redirect_uri: str | None
    oidc_scopes: str
    oidc_label: str


def read_options(settings: OidcSettings) -> OidcOptions | None:
    """What the settings say of an issuer; None: there is none.

    Raises:
        InvalidValue: they do not fit together; names one of them.
    """
    if settings.oidc_issuer is None:
        return None
    if not settings.oidc_roles:
        raise InvalidValue("oidc_roles", "needed when an issuer is set")
    if settings.oidc_audience is None and settings.oidc_client_id is None:
        problem = "this, or a client of the issuer, is needed when an issuer is set"
        raise InvalidValue("oidc_audience", problem)
    return OidcOptions(
        settings.oidc_issuer,
        settings.oidc_audience,
        _client(settings),
        settings.oidc_roles_claim,
        settings.oidc_roles,
        settings.oidc_name_claim,
    )


def _client(settings: OidcSettings) -> ConsoleClient | None:
    uri, secret = settings.oidc_redirect_uri, settings.oidc_client_secret
    if settings.oidc_client_id is None:
        return None
    if uri is None or urlsplit(uri).path != CALLBACK_PATH:
        problem = f"the address of the console with the path {CALLBACK_PATH} is needed"
        raise InvalidValue("oidc_redirect_uri", problem)
    if "openid" not in settings.oidc_scopes.split():
        raise InvalidValue("oidc_scopes", "must hold openid")
    text = secret.get_secret_value() if secret else None
    return ConsoleClient(
        settings.oidc_client_id, text, uri, settings.oidc_scopes, settings.oidc_label
    )


def parse_roles(value: Any) -> Any:
    """Our roles by the issuer's, from JSON where it is a text; raises ValueError."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        problem = 'must be a JSON object such as {"shop-operators": "operator"}'
        raise ValueError(problem) from None


def require_safe_url(url: str) -> str:
    """A URL over TLS, or of this machine; raises ValueError, which says what is wrong."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("must be a URL that begins with https://")
    if parts.username is not None or parts.fragment:
        raise ValueError("must hold neither a user nor a fragment")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise ValueError("must begin with https://, unless it is on this machine")
    return url


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
