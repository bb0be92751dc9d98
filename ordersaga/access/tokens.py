"""Tokens of the HTTP API: made and revoked by whoever migrates, looked up by the API.

A token is ``ost_<id>_<secret>``. The id finds its row, the digest of the secret proves it.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from domain.errors import InvalidValue, NotFound
from eventstore.postgres.errors import translated
from eventstore.postgres.migrator import Schema
from eventstore.postgres.roles import OWNER, become
from eventstore.postgres.sql_files import statement
from ordersaga.access.roles import Role, Scope, parse_scope
from projections.engine.projection import Pool

ACCESS: Final = Schema("access", "ordersaga.access")
LONGEST: Final = timedelta(days=3650)

_sql: Final = partial(statement, package="ordersaga.access.sql")
_PREFIX: Final = "ost"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
_TOKEN: Final = re.compile(rf"{_PREFIX}_([0-9a-f]{{16}})_([A-Za-z0-9_-]{{43}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret.

    Attributes:
        name: of the person or program that has it.
        scopes: narrow what the role may do; empty: they do not.
        revoked_at: from then on it is refused; None: it was not revoked.
        is_foreign: an issuer made it, and its name may be personal data.
    """

    id: str
    name: str
    role: Role
    scopes: tuple[Scope, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    is_foreign: bool = False

    @property
    def actor(self) -> str:
        """Who acts with it, for the audit trail: ``operator:ann``."""
        return f"{self.role}:{self.name}"

    @property
    def subject(self) -> str:
        """Who acts with it, for logs and idempotency keys: without personal data."""
        return f"{self.role}:{self.id}" if self.is_foreign else self.actor

    def is_valid(self, now: datetime) -> bool:
        """Whether it may be used."""
        return self.revoked_at is None and now < self.expires_at


def parse_token_name(raw: str) -> str:
    """The name of a token's holder; raises InvalidValue."""
    name = raw.strip().lower()
    if not _NAME.fullmatch(name):
        problem = "must be 1 to 63 letters, digits, dots, underscores or hyphens"
        raise InvalidValue("name", problem)
    return name


class Tokens:
    """The tokens of an installation.

    Args:
        pool: connections to its database.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(
        self, name: str, role: Role, scopes: Sequence[Scope], lifetime: timedelta, actor: str
    ) -> tuple[Token, str]:
        """Make a token; its text is returned this once, and kept nowhere.

        Raises:
            InvalidValue: the name or the lifetime is wrong.
            NotAllowed: the login may not make tokens.
        """
        holder = parse_token_name(name)
        if not timedelta(0) < lifetime <= LONGEST:
            raise InvalidValue("lifetime", f"must be at most {LONGEST.days} days")
        token_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        texts = [str(scope) for scope in sorted(set(scopes))]
        values = (token_id, _digest(secret), holder, role.value, texts, actor, lifetime)
        row = await self._as_owner("create_token", *values)
        return _token(row), f"{_PREFIX}_{token_id}_{secret}"

    async def revoke(self, token_id: str, actor: str) -> Token:
        """Refuse a token from now on; revoking it again changes nothing.

        Raises:
            NotFound: there is no such token.
            NotAllowed: the login may not revoke tokens.
        """
        row = await self._as_owner("revoke_token", token_id, actor)
        if row is None:
            raise NotFound("token", token_id)
        return _token(row)

    async def every(self) -> list[Token]:
        """All tokens, the latest first."""
        with translated():
            rows = await self._pool.fetch(_sql("list_tokens"))
        return [_token(row) for row in rows]

    async def find(self, text: str) -> Token | None:
        """The token of this text, valid or not; None: there is none.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        parts = _TOKEN.fullmatch(text)
        if parts is None:
            return None
        with translated():
            row = await self._pool.fetchrow(_sql("find_token"), parts[1])
        if row is None or not hmac.compare_digest(row["digest"], _digest(parts[2])):
            return None
        return _token(row)

    async def is_usable(self, text: str) -> bool:
        """Whether this text is a token that is accepted now."""
        token = await self.find(text)
        return token is not None and token.is_valid(datetime.now(UTC))

    async def _as_owner(self, name: str, *values: Any) -> Any:
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await become(connection, OWNER)
                return await connection.fetchrow(_sql(name), *values)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _token(row: Any) -> Token:
    values = {name: row[name] for name in row.keys() if name != "digest"}  # noqa: SIM118  a record
    values["role"] = Role(row["role"])
    values["scopes"] = tuple(parse_scope(text) for text in row["scopes"])
    return Token(**values)
