"""Checks of the server, whatever its database holds."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

import asyncpg

from eventstore.postgres.sql_files import statement
from ordersaga.bootstrap.settings import Settings
from ordersaga.errors import REFUSED
from ordersaga.operations.doctor.diagnosis import Diagnosis, bad

_PACKAGE: Final = "ordersaga.operations.doctor.sql"
_FACTS: Final = statement("server", _PACKAGE)

OLDEST: Final = 15
_SKEW_S: Final = 2.0
_CHECKED: Final = frozenset({"verify-ca", "verify-full"})
_HERE: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What the server says of itself.

    Attributes:
        address: of the one that answered, as it knows itself; None for a socket.
        most_of_login: connections that the login may have, -1 for no limit.
        most_of_database: the same of the database.
        ahead_s: how far its clock is ahead of ours.
    """

    version: str
    version_number: int
    address: str | None
    port: int | None
    encoding: str
    login: str
    is_superuser: bool
    is_encrypted: bool
    most_connections: int
    reserved: int
    most_of_login: int
    most_of_database: int
    ahead_s: float


async def facts_of(pool: asyncpg.Pool) -> Facts:
    """Ask the server."""
    before = datetime.now(UTC)
    (row,) = await pool.fetch(_FACTS)
    after = datetime.now(UTC)
    facts = dict(row)
    clock = facts.pop("clock")
    # A slow answer is no skew: the clock was read at some time between the two.
    ahead = max((clock - after).total_seconds(), 0) or min((clock - before).total_seconds(), 0)
    return Facts(**facts, ahead_s=ahead)


def version(facts: Facts, settings: Settings) -> Diagnosis:
    """Which server answers, and whether it is new enough."""
    name, place = "database", settings.database_location()
    finding = f"PostgreSQL {facts.version} at {place}"
    if "," in place and facts.address is not None:
        finding += f", answered by {facts.address}:{facts.port}"
    if facts.version_number < OLDEST * 10_000:
        return bad(name, finding, f"PostgreSQL {OLDEST} or newer is needed", REFUSED)
    return Diagnosis(name, True, finding)


def encoding(facts: Facts) -> Diagnosis:
    """Whether every text can be stored."""
    if facts.encoding == "UTF8":
        return Diagnosis("encoding", True, "UTF8")
    finding = f"{facts.encoding} cannot keep every name and address as it was given"
    return bad("encoding", finding, "make a new database WITH ENCODING 'UTF8'", REFUSED)


def encryption(facts: Facts, settings: Settings) -> Diagnosis:
    """Whether the connection is encrypted, and whether it is known to whom."""
    name, url = "encryption", urlsplit(settings.dsn())
    mode = parse_qs(url.query).get("sslmode", [os.environ.get("PGSSLMODE", "prefer")])[0]
    advice = "set sslmode=verify-full and sslrootcert in ORDERSAGA_DATABASE_URL"
    if facts.is_encrypted:
        if mode in _CHECKED:
            return Diagnosis(name, True, f"TLS, with the server's certificate checked ({mode})")
        return Diagnosis(name, True, f"TLS, but sslmode={mode} checks no certificate", advice)
    if (url.hostname or "") in _HERE:
        return Diagnosis(name, True, f"plain text, on this machine (sslmode={mode})")
    return Diagnosis(name, True, f"plain text, which sslmode={mode} allows", advice)


def clock(facts: Facts) -> Diagnosis:
    """Whether the server's clock is near ours."""
    if abs(facts.ahead_s) <= _SKEW_S:
        return Diagnosis("clock", True, "the server's agrees with this machine's")
    side = "ahead of" if facts.ahead_s > 0 else "behind"
    finding = f"the server's is {abs(facts.ahead_s):.0f} s {side} this machine's"
    return Diagnosis("clock", True, finding, "let both follow a time server")
