"""Commands of a deployment: `worker`, `starter`, `migrate`, `doctor`."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer
from rich.text import Text

from ordersaga.bootstrap.schema import migrate_all
from ordersaga.bootstrap.settings import load_settings
from ordersaga.bootstrap.wiring import reaching_database
from ordersaga.cli.common import Json
from ordersaga.cli.output import async_command, emit
from ordersaga.daemons import entry
from ordersaga.display.tables import printable
from ordersaga.operations.doctor import Check, examine

_QUEUES: Final = ("orders", "inventory", "payments", "shipping")


@async_command
async def worker(
    queues: Annotated[
        list[str], typer.Argument(help="orders, inventory, payments, shipping, or all.")
    ],
) -> None:
    """Run workers for task queues until SIGTERM.

    Running activities are finished first.
    """
    await entry.run_worker(_checked_queues(queues))


def _checked_queues(names: list[str]) -> tuple[str, ...]:
    if "all" in names:
        return _QUEUES
    unknown = sorted(set(names) - set(_QUEUES))
    if unknown:
        raise typer.BadParameter(
            f"unknown task queue {', '.join(unknown)}; known are {', '.join(_QUEUES)}, and all"
        )
    return tuple(name for name in _QUEUES if name in names)


@async_command
async def starter() -> None:
    """Start a saga for each submitted order until SIGTERM."""
    await entry.run_starter()


@async_command
async def migrate(as_json: Json = False) -> None:
    """Create or update the database schema.

    It is safe to run this again, and in several processes at once.
    """
    settings = load_settings()
    with reaching_database(settings):
        applied = await migrate_all(settings.dsn())
    text = "\n".join(f"created {name}" for name in applied) or "the schema is up to date"
    emit({"applied": applied}, as_json=as_json, view=text)


@async_command
async def doctor(as_json: Json = False) -> int:
    """Check settings, database, schema, Temporal and providers; say what to do."""
    checks = await examine()
    emit(checks, as_json=as_json, view=lambda: _checklist(checks))
    return max((check.exit_code for check in checks), default=0)


def _checklist(checks: Sequence[Check]) -> Text:
    lines = []
    for check in checks:
        advice = f"; {check.advice}" if check.advice else ""
        mark = "ok " if check.ok else "BAD"
        lines.append(f"{mark}  {printable(f'{check.name}: {check.finding}{advice}')}")
    return Text("\n".join(lines))
