"""The database schema of ordersaga: event store, key vault, read models and watchdog."""

from collections.abc import Sequence

from eventstore.postgres.connection import connect
from eventstore.postgres.migrator import EVENT_STORE, migrate, pending
from ordersaga.findings.table import WATCHDOG
from ordersaga.personal_data.vault import KEY_VAULT
from projections.engine import control
from projections.engine.projection import LIVE
from projections.operations.install import PROJECTIONS, install
from projections.registry import ALL


async def migrate_all(dsn: str, grant_to: Sequence[str] = ()) -> list[str]:
    """Bring a database up to date; returns the names of what was created.

    Idempotent, and safe in several processes at once.

    Args:
        dsn: of a login that may create roles and schemas, or is a member of the owner.
        grant_to: logins that get the role of processes.

    Raises:
        NotAllowed: the login of `dsn` lacks a right.
    """
    created = await migrate(dsn, (EVENT_STORE, KEY_VAULT, WATCHDOG), grant_to=grant_to)
    return [*created, *await install(dsn)]


async def pending_migrations(dsn: str) -> list[str]:
    """Names of the migrations and read models that a database lacks; changes nothing."""
    missing = await pending(dsn, (EVENT_STORE, KEY_VAULT, PROJECTIONS, WATCHDOG))
    return missing or await _missing_read_models(dsn)


async def _missing_read_models(dsn: str) -> list[str]:
    connection = await connect(dsn)
    try:
        return [
            projection.name
            for projection in ALL
            if not await connection.fetchval(control.sql("load_version"), LIVE, projection.name)
        ]
    finally:
        await connection.close()
