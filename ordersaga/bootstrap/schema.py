"""The database schema of ordersaga: the event store and everything beside it."""

from collections.abc import Sequence

from eventstore.postgres.migrator import EVENT_STORE, migrate, pending
from ordersaga.findings.table import WATCHDOG
from ordersaga.installation.identity import INSTALLATION
from ordersaga.personal_data.vault import KEY_VAULT
from projections.engine import control
from projections.engine.projection import Pool
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
    created = await migrate(
        dsn, (EVENT_STORE, INSTALLATION, KEY_VAULT, WATCHDOG), grant_to=grant_to
    )
    return [*created, *await install(dsn)]


async def pending_migrations(dsn: str) -> list[str]:
    """Names of the migrations that a database lacks; changes nothing.

    Read models do not count: one that is missing or outdated waits, and nothing else waits for it.
    """
    return await pending(dsn, (EVENT_STORE, INSTALLATION, KEY_VAULT, PROJECTIONS, WATCHDOG))


async def read_model_problems(pool: Pool) -> list[str]:
    """What is wrong with each read model that is missing or of another version, and what to do.

    The schema of the read models must be there.
    """
    _, problems = await control.usable(pool, ALL)
    return problems
