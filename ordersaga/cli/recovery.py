"""`ordersaga recover`: sagas, followed parcels and open returns, after Temporal lost them."""

from typing import TYPE_CHECKING, Annotated

import typer

from ordersaga.cli.common import Json, opened
from ordersaga.cli.output import OK, console, emit, make_table, run
from ordersaga.errors import REFUSED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from ordersaga.operations.recovery import Recovered

_SHOWN = 50


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(recover)


def recover(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    at_once: Annotated[
        int, typer.Option(min=1, max=200, help="Orders under way at the same time.")
    ] = 16,
    as_json: Json = False,
) -> None:
    """Start what is open and does not run, from the event store: sagas, parcels, returns.

    For the day on which Temporal lost its database or sagas were terminated. Workers may run
    meanwhile, and doing it again is harmless: what was done for an order is recognised.
    Ends with 0, or 1 if an order could not be started and needs a person.
    """
    run(_recover(dry_run, at_once, as_json))


async def _recover(dry_run: bool, at_once: int, as_json: bool) -> int:
    from rich.progress import Progress

    from ordersaga.operations.recovery import Fate, Recovery, open_orders
    from ordersaga.operations.recovery_returns import start_again, unfinished

    screen = console(stderr=True)
    async with opened() as services:
        client = await services.temporal()
        waiting = await open_orders(services.redacted_store)
        with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
            task = progress.add_task("orders", total=len(waiting))
            recovery = Recovery(
                services.handler,
                services.redacted_store,
                client,
                dry_run=dry_run,
                at_once=at_once,
            )
            found = await recovery.run(waiting, lambda _: progress.advance(task))
        after = await unfinished(services.redacted_store)
        later = await start_again(client, after, dry_run=dry_run)
    emit(as_data(found, later), as_json=as_json, view=lambda: recovery_view(found, later))
    return REFUSED if any(each.fate is Fate.LEFT for each in found) else OK


def as_data(found: "Sequence[Recovered]", after: "Sequence[Recovered]" = ()) -> dict[str, object]:
    """The JSON form: how many orders met which fate, and each of them; then parcels and returns."""
    from ordersaga.operations.recovery import Fate

    counts = {fate.value: sum(each.fate is fate for each in found) for fate in Fate}
    return {
        "open_orders": len(found),
        "counts": counts,
        "orders": list(found),
        "parcels_and_returns": list(after),
    }


def recovery_view(
    found: "Sequence[Recovered]", after: "Sequence[Recovered]" = ()
) -> "RenderableType":
    """A recovery for people: what was done with which order, those that need a person first."""
    from rich.console import Group
    from rich.text import Text

    from ordersaga.operations.recovery import Fate

    importance = list(reversed(Fate))
    telling = sorted(
        (each for each in (*found, *after) if each.fate not in (Fate.RUNNING, Fate.ENDED)),
        key=lambda each: (importance.index(each.fate), each.order_id),
    )
    parts: list[RenderableType] = []
    if telling:
        rows = ((each.order_id, each.fate, each.why) for each in telling[:_SHOWN])
        parts.append(make_table(("order", "", "why"), rows))
    if len(telling) > _SHOWN:
        parts.append(Text(f"and {len(telling) - _SHOWN} more; --json lists all"))
    counts = (f"{sum(each.fate is fate for each in found)} {_words(fate)}" for fate in Fate)
    parts.append(Text(f"{len(found)} open orders: {', '.join(counts)}"))
    if after:
        started = sum(each.fate is not Fate.RUNNING for each in after)
        parts.append(Text(f"{len(after)} followed parcels and open returns: {started} had no run"))
    return Group(*parts)


def _words(fate: str) -> str:
    return {
        "started": "started",
        "would_start": "would be started",
        "running": "have a running saga",
        "ended": "ended in the meantime",
        "left": "could not be started",
    }[fate]
