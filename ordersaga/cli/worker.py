"""The processes `ordersaga worker` and `ordersaga starter`."""

from typing import Annotated, Final

import typer

from ordersaga.cli.output import async_command
from ordersaga.daemons.workers import run_starter, run_worker

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
    await run_worker(_checked_queues(queues))


def _checked_queues(names: list[str]) -> tuple[str, ...]:
    if "all" in names:
        return _QUEUES
    unknown = sorted(set(names) - set(_QUEUES))
    if unknown:
        raise typer.BadParameter(
            f"unknown task queue {', '.join(unknown)}; use {', '.join(_QUEUES)}, or all"
        )
    return tuple(name for name in _QUEUES if name in names)


@async_command
async def starter() -> None:
    """Start a saga for each submitted order until SIGTERM."""
    await run_starter()
