"""`ordersaga migrate`: the database schema and its roles."""

from typing import Annotated

import typer

from ordersaga.bootstrap.schema import migrate_all
from ordersaga.bootstrap.settings import load_settings
from ordersaga.bootstrap.wiring import reaching_database, require_sessions
from ordersaga.cli.answers import Answer, answering


@answering
async def migrate(
    grant_to: Annotated[
        list[str] | None,
        typer.Option(
            "--grant-to",
            metavar="LOGIN",
            help="Give this database login the rights that processes need; repeatable.",
        ),
    ] = None,
) -> Answer:
    """Create or update the database schema and its roles.

    It is safe to run this again, and in several processes at once. The first run needs a database
    login that owns the database and may create roles.
    """
    settings = load_settings()
    await require_sessions(settings)
    with reaching_database(settings):
        applied = await migrate_all(settings.dsn(), grant_to or [])
    text = "\n".join(f"created {name}" for name in applied) or "the schema is up to date"
    return Answer({"applied": applied}, text)
