"""The processes of a deployment: `worker`, `projections run`, `starter`; `migrate`; `doctor`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ordersaga.cli.output import emit, printable, run

if TYPE_CHECKING:
    from rich.text import Text

    from ordersaga.operations.doctor import Check

_QUEUES = ("orders", "inventory", "payments", "shipping")

projections = typer.Typer(
    name="projections", help="Keep the read models up to date.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Mount the commands."""
    app.command()(worker)
    app.command()(starter)
    app.command()(migrate)
    app.command()(doctor)
    app.add_typer(projections)


def worker(
    queues: Annotated[
        list[str], typer.Argument(help="orders, inventory, payments, shipping, or all.")
    ],
) -> None:
    """Work on task queues until SIGTERM; finishes what is under way."""
    from ordersaga.daemons.entry import run_worker

    run(run_worker(_known_queues(queues)))


def _known_queues(names: list[str]) -> tuple[str, ...]:
    if "all" in names:
        return _QUEUES
    unknown = sorted(set(names) - set(_QUEUES))
    if unknown:
        raise typer.BadParameter(
            f"no task queue {', '.join(unknown)}; there are {', '.join(_QUEUES)}, or all"
        )
    return tuple(name for name in _QUEUES if name in names)


@projections.command("run")
def run_projections(
    names: Annotated[
        list[str] | None, typer.Argument(help="Read models; all if none is named.")
    ] = None,
) -> None:
    """Follow the event store until SIGTERM; any number of processes may do it at once."""
    from ordersaga.daemons.entry import run_projections as work

    run(work(tuple(names or ())))


def starter() -> None:
    """Start a saga for each submitted order until SIGTERM."""
    from ordersaga.daemons.entry import run_starter

    run(run_starter())


def migrate(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make or update the database schema; safe to run again, and by several at once."""
    run(_migrate(as_json))


async def _migrate(as_json: bool) -> None:
    from ordersaga.bootstrap.schema import migrate_all
    from ordersaga.bootstrap.settings import load_settings
    from ordersaga.bootstrap.wiring import reaching_database

    settings = load_settings()
    with reaching_database(settings):
        applied = await migrate_all(settings.dsn())
    text = "\n".join(f"made {name}" for name in applied) or "the schema is up to date"
    emit({"applied": applied}, as_json=as_json, view=text)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check settings, database, schema, Temporal and providers; say what to do."""
    run(_doctor(as_json))


async def _doctor(as_json: bool) -> int:
    from ordersaga.operations.doctor import examine

    checks = await examine()
    emit(checks, as_json=as_json, view=lambda: _checklist(checks))
    return max((check.exit_code for check in checks), default=0)


def _checklist(checks: "Sequence[Check]") -> "Text":
    from rich.text import Text

    lines = []
    for check in checks:
        advice = f"; {check.advice}" if check.advice else ""
        mark = "ok " if check.ok else "BAD"
        lines.append(f"{mark}  {printable(f'{check.name}: {check.finding}{advice}')}")
    return Text("\n".join(lines))
