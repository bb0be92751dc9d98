"""Logins that have one of a database's roles; benchmarks use them too."""

from contextlib import suppress
from urllib.parse import urlsplit

import asyncpg

from eventstore.postgres.roles import GRANTED, OWNER, find_roles, quoted

_PROCESSES = "processes"
LOGINS = (_PROCESSES, *(f"as_{kind}" for kind in (OWNER, *GRANTED)))
"""Every login that is made here."""


async def as_processes(url: str) -> str:
    """The URL of a login that may do what all processes together may, and no more."""
    return await _granted(url, _PROCESSES, "appender", "projector")


async def as_operator(url: str) -> str:
    """The URL of a login that is a member of the owner of this database's schemas."""
    return await _granted(url, f"as_{OWNER}", OWNER)


async def as_only(url: str, kind: str) -> str:
    """The URL of a login with one of the roles."""
    return await _granted(url, f"as_{kind}", kind)


async def _granted(url: str, login: str, *kinds: str) -> str:
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    _, colon, password = user.partition(":")
    connection = await asyncpg.connect(url)
    try:
        with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            await connection.execute(f"CREATE ROLE {login} LOGIN")
            if password:  # where one is asked for, the same as of the login that makes this one
                await connection.execute(f"ALTER ROLE {login} PASSWORD '{password}'")
        roles = await find_roles(connection)
        for kind in kinds if roles is not None else ():
            await connection.execute(f"GRANT {quoted(roles.name(kind))} TO {login}")
    finally:
        await connection.close()
    return parts._replace(netloc=f"{login}{colon}{password}@{host}").geturl()
