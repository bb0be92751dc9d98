"""Checks of PostgreSQL: first whether it answers, then all others side by side."""

import asyncio
from typing import Final

import asyncpg

from eventstore.postgres.pool import create_pool
from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.wiring import reaching_database, require_sessions
from ordersaga.errors import OrderSagaError
from ordersaga.operations.doctor import contents, server
from ordersaga.operations.doctor.connections import connections
from ordersaga.operations.doctor.diagnosis import LIMIT_S, Diagnosis, examined, from_message
from ordersaga.operations.doctor.logins import login

_CONNECTIONS: Final = 3
"""What the checks share, so that a server that is short of connections keeps some for others."""


async def database_checks(settings: Settings) -> list[Diagnosis]:
    """Whether PostgreSQL answers, and if so, whether it holds what it must and can be used."""
    try:
        await require_sessions(settings)
        with reaching_database(settings):
            async with asyncio.timeout(LIMIT_S):
                pool = await create_pool(
                    settings.dsn(), max_size=_CONNECTIONS, application_name="ordersaga doctor"
                )
                facts = await server.facts_of(pool)
    except OrderSagaError as error:
        return [from_message("database", str(error), error.exit_code)]
    try:
        return await _checks(pool, facts, settings)
    finally:
        pool.terminate()  # it waits for nothing, whatever has become of the server


async def _checks(pool: asyncpg.Pool, facts: server.Facts, settings: Settings) -> list[Diagnosis]:
    checks = {
        "login": login(pool, facts),
        "connections": connections(pool, facts, settings),
        "schema": contents.schema(settings),
        **{name: check(pool, settings) for name, check in contents.OF_A_SCHEMA.items()},
    }
    diagnoses = await asyncio.gather(*(examined(name, check) for name, check in checks.items()))
    if not all(each.ok for each in diagnoses if each.name == "schema"):
        # They say only what the schema's line says.
        diagnoses = [each for each in diagnoses if each.name not in contents.OF_A_SCHEMA]
    return [
        server.version(facts, settings),
        server.encoding(facts),
        server.encryption(facts, settings),
        server.clock(facts),
        *diagnoses,
    ]
