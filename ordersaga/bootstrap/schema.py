"""The database schema of ordersaga: the event store and everything beside it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from eventstore.postgres.migrator import EVENT_STORE, Schema, migrate, pending
from eventstore.postgres.rights import Right
from ordersaga.access.tokens import ACCESS
from ordersaga.books.table import BOOKS
from ordersaga.findings.table import WATCHDOG
from ordersaga.incidents.table import INCIDENTS
from ordersaga.installation.identity import INSTALLATION
from ordersaga.personal_data.vault import KEY_VAULT
from projections.engine import control
from projections.engine.projection import Pool
from projections.operations.install import PROJECTIONS, install, rights_on_read_models
from projections.registry import ALL

_BESIDE_READ_MODELS: Final = (
    EVENT_STORE,
    INCIDENTS,
    INSTALLATION,
    KEY_VAULT,
    WATCHDOG,
    ACCESS,
    BOOKS,
)
SCHEMAS: Final[Sequence[Schema]] = (*_BESIDE_READ_MODELS, PROJECTIONS)
"""Everything that a database of ordersaga holds."""

_NOBODY: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


async def migrate_all(dsn: str, grant: Mapping[str, Sequence[str]] = _NOBODY) -> list[str]:
    """Bring a database up to date; returns the names of what was created.

    Idempotent, and safe in several processes at once.

    Args:
        dsn: of a login that may create roles and schemas, or is a member of the owner.
        grant: logins that get a role, by the kind of the role.

    Raises:
        NotAllowed: the login of `dsn` lacks a right.
    """
    created = await migrate(dsn, _BESIDE_READ_MODELS, grant=grant)
    return [*created, *await install(dsn)]


async def pending_migrations(dsn: str) -> list[str]:
    """Names of the migrations that a database lacks; changes nothing.

    Read models do not count: one that is missing or outdated waits, and nothing else waits for it.
    """
    return await pending(dsn, SCHEMAS)


def all_rights() -> list[Right]:
    """What each role must be able to do in a migrated database."""
    of_schemas = [right for schema in SCHEMAS for right in schema.rights()]
    return [*of_schemas, *rights_on_read_models()]


async def read_model_problems(pool: Pool) -> list[str]:
    """What is wrong with each read model that is missing or of another version, and what to do.

    The schema of the read models must be there.
    """
    _, problems = await control.usable(pool, ALL)
    return problems
