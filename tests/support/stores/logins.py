"""Logins that have one of a database's two roles; benchmarks use them too."""

from collections.abc import Callable
from contextlib import suppress

import asyncpg

from eventstore.postgres.roles import Roles, find_roles, quoted
from ordersaga.embedded.postgres import SUPERUSER


async def as_processes(url: str) -> str:
    """The URL of a login with the role of processes in this database, and no other right."""
    return await _granted(url, "processes", lambda roles: roles.app)


async def as_operator(url: str) -> str:
    """The URL of a login that is a member of the owner of this database's schemas."""
    return await _granted(url, "operator", lambda roles: roles.owner)


async def _granted(url: str, login: str, role_of: Callable[[Roles], str]) -> str:
    connection = await asyncpg.connect(url)
    try:
        with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            await connection.execute(f"CREATE ROLE {login} LOGIN")
        roles = await find_roles(connection)
        if roles is not None:
            await connection.execute(f"GRANT {quoted(role_of(roles))} TO {login}")
    finally:
        await connection.close()
    return url.replace(f"//{SUPERUSER}@", f"//{login}@")
