"""`ordersaga migrate`: the database schema and its roles."""

from typing import Annotated

import typer

from eventstore.postgres.roles import GRANTED, OWNER
from ordersaga.bootstrap.schema import migrate_all
from ordersaga.bootstrap.settings import load_settings
from ordersaga.bootstrap.wiring import reaching_database, require_sessions
from ordersaga.cli.answers import Answer, answering
from ordersaga.errors import WrongUsage


@answering
async def migrate(
    grant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=LOGIN",
            help=f"Give a database login a role: {', '.join(GRANTED)}, or owner; repeatable.",
        ),
    ] = None,
) -> Answer:
    """Create or update the database schema and its roles.

    It is safe to run this again, and in several processes at once. The first run needs a database
    login that owns the database and may create roles.
    """
    grants = _by_role(grant or [])
    settings = load_settings()
    await require_sessions(settings)
    with reaching_database(settings):
        applied = await migrate_all(settings.dsn(), grants)
    text = "\n".join(f"created {name}" for name in applied) or "the schema is up to date"
    return Answer({"applied": applied}, text)


def _by_role(grants: list[str]) -> dict[str, list[str]]:
    """The logins by role.

    Raises:
        WrongUsage: one of the words is not of the form, or names no role.
    """
    logins: dict[str, list[str]] = {}
    for word in grants:
        role, _, login = word.partition("=")
        if role not in (*GRANTED, OWNER) or not login:
            roles = ", ".join(GRANTED)
            raise WrongUsage(f"--grant {word}: must be ROLE=LOGIN, with {roles} or owner as role")
        logins.setdefault(role, []).append(login)
    return logins
