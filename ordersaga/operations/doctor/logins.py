"""What a database login may do, told by the commands that need it."""

from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg

from eventstore.postgres.rights import Right, not_held
from eventstore.postgres.roles import GRANTED, OWNER, Roles, find_roles
from eventstore.postgres.sql_files import statement
from ordersaga.bootstrap.schema import all_rights
from ordersaga.errors import REFUSED
from ordersaga.operations.doctor.diagnosis import Diagnosis, bad
from ordersaga.operations.doctor.server import Facts

_ACTS_AS: Final = statement("acts_as")
_NAME: Final = "login"

NEEDED_BY: Final[Mapping[str, str]] = {
    "appender": "`worker`, `starter`, `import` and what changes orders, stock, parcels or returns",
    "projector": "`projections` and `notifications`",
    "reader": "`orders`, `demand`, `audit` and `… status`",
    "api": "an HTTP API",
    OWNER: "`migrate`, `verify`, `store`, `customer` and `installation`",
}
"""The commands that need each role; a login may have several."""


async def login(pool: asyncpg.Pool, facts: Facts) -> Diagnosis:
    """Which commands the login may run, and which right is missing for the others."""
    async with pool.acquire() as connection:
        roles = await find_roles(connection)
        if roles is None:
            return _named(facts)
        if facts.is_superuser or await connection.fetchval(_ACTS_AS, roles.owner):
            return _named(facts)
        held = [kind for kind in GRANTED if await connection.fetchval(_ACTS_AS, roles.name(kind))]
        missing = {kind: await _missing(connection, kind) for kind in GRANTED}
    return _told(facts.login, roles, held, missing)


async def _missing(connection: "asyncpg.pool.PoolConnectionProxy", kind: str) -> list[Right]:
    return await not_held(connection, [right for right in all_rights() if right.role == kind])


def _named(facts: Facts) -> Diagnosis:
    if not facts.is_superuser:
        return Diagnosis(_NAME, True, f"{facts.login} may run every command")
    advice = "give programs logins of their own: `ordersaga migrate --grant ROLE=LOGIN`"
    return Diagnosis(_NAME, True, f"{facts.login} is a superuser", advice)


def _told(
    name: str, roles: Roles, held: Sequence[str], missing: Mapping[str, Sequence[Right]]
) -> Diagnosis:
    able = [kind for kind in GRANTED if not missing[kind]]
    broken = [kind for kind in held if kind not in able]
    if broken:
        finding = "; ".join(_lacks(kind, missing[kind]) for kind in broken)
        advice = "run `ordersaga migrate` as the login that migrates: it grants all rights again"
        return bad(_NAME, f"{name} {finding}", advice, REFUSED)
    if not able:
        finding = "; ".join(_lacks(kind, missing[kind]) for kind in GRANTED)
        advice = f"run `ordersaga migrate --grant ROLE={name}` as the login that migrates"
        return bad(_NAME, f"{name} {finding}", advice, REFUSED)
    may = "; ".join(NEEDED_BY[kind] for kind in able)
    others = [_lacks(kind, missing[kind]) for kind in GRANTED if kind not in able]
    others.append(f"is no member of {roles.owner}, for {NEEDED_BY[OWNER]}")
    return Diagnosis(_NAME, True, f"{name} may run {may}; it {'; '.join(others)}")


def _lacks(kind: str, rights: Sequence[Right]) -> str:
    more = f" and {len(rights) - 1} more rights" if len(rights) > 1 else ""
    return f"lacks {rights[0]}{more}, for {NEEDED_BY[kind]}"
