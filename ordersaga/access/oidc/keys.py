"""The keys of an issuer (JWKS, RFC 7517), and the algorithms that are believed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey

ALGORITHMS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    "ES256": "secp256r1",
    "ES384": "secp384r1",
    "ES512": "secp521r1",
    "EdDSA": "EdDSA",
}
"""What a token may be signed with, and the kind of key that it takes: never a shared secret."""

_MOST_KEYS: Final = 100
_RSA_BITS: Final = range(2048, 8193)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key.

    Attributes:
        kid: names it among the issuer's keys.
        algorithm: the only one that it is for; None: any that fits.
        kind: as `ALGORITHMS` names it.
    """

    kid: str | None
    algorithm: str | None
    kind: str
    public: PublicKey

    def signs(self, algorithm: str) -> bool:
        """Whether a token signed with this algorithm can be checked by it."""
        return ALGORITHMS.get(algorithm) == self.kind and self.algorithm in (None, algorithm)


def read_keys(document: Mapping[str, Any]) -> tuple[SigningKey, ...]:
    """The usable keys; those of other kinds and purposes are left out, as RFC 7517 asks."""
    listed = document.get("keys")
    return tuple(_usable(listed[:_MOST_KEYS])) if isinstance(listed, list) else ()


def _usable(listed: list[Any]) -> Iterator[SigningKey]:
    for item in listed:
        is_public = isinstance(item, dict) and item.get("kty") != "oct" and "d" not in item
        if is_public and item.get("use") in (None, "sig"):
            public = _public(item)
            kind = _kind(public)
            if public is not None and kind is not None:
                yield SigningKey(_text(item.get("kid")), _text(item.get("alg")), kind, public)


def _public(item: dict[str, Any]) -> PublicKey | None:
    try:
        key = PyJWK(item).key
    except (PyJWTError, RuntimeError, ValueError, TypeError, KeyError, OverflowError):
        return None
    return key if isinstance(key, PublicKey) else None


def _kind(key: PublicKey | None) -> str | None:
    if isinstance(key, RSAPublicKey):
        return "RSA" if key.key_size in _RSA_BITS else None
    if isinstance(key, EllipticCurvePublicKey):
        return key.curve.name
    return None if key is None else "EdDSA"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
