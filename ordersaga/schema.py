"""The database schema of ordersaga: the event store's tables and those of the read models."""


async def migrate_all(dsn: str) -> list[str]:
    """Bring a database up to date; returns the names of what was made, nothing if it was.

    Idempotent, and safe when several processes do it at once.
    """
    from eventstore.postgres.migrations import migrate
    from projections.install import install

    return [*await migrate(dsn), *await install(dsn)]


async def pending_migrations(dsn: str) -> list[str]:
    """Names of the migrations that a database still lacks; changes nothing."""
    from eventstore.postgres.migrations import EVENT_STORE, pending
    from projections.install import PROJECTIONS

    return await pending(dsn, (EVENT_STORE, PROJECTIONS))
