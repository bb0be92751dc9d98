"""`ordersaga recover`: restart sagas, parcels and returns that Temporal has lost."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer
from rich.console import Group, RenderableType
from rich.progress import Progress
from rich.text import Text

from ordersaga.cli.answers import Answer, answering
from ordersaga.cli.common import Services
from ordersaga.cli.output import OK
from ordersaga.display.tables import Columns, console
from ordersaga.errors import REFUSED
from ordersaga.operations.recovery.aftermath import FIRST_LOOK_S, look_after
from ordersaga.operations.recovery.orders import Recovery, open_orders
from ordersaga.operations.recovery.outcome import Recovered, RecoveryOutcome
from ordersaga.operations.recovery.returns import restart_workflows, unfinished_workflows

_ROWS_SHOWN: Final = 50
_EVENTFUL: Final = Columns("order_id: order, outcome: result, why, became: what became of it")
_TEXTS: Final = {
    RecoveryOutcome.STARTED: "started",
    RecoveryOutcome.WOULD_START: "would be started",
    RecoveryOutcome.RUNNING: "have a running saga",
    RecoveryOutcome.ENDED: "ended in the meantime",
    RecoveryOutcome.LEFT: "could not be started",
    RecoveryOutcome.FAILED_AGAIN: "failed again",
}


@answering
async def recover(
    services: Services,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be done.")
    ] = False,
    at_once: Annotated[
        int, typer.Option(min=1, max=200, help="Orders processed concurrently.")
    ] = 16,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Wait until what was started has ended, or waits for long."),
    ] = False,
    within: Annotated[
        float, typer.Option(min=1, max=86_400, help="With --wait: at most so many seconds.")
    ] = 60.0,
) -> Answer:
    """Restart open sagas, parcels and returns that Temporal has lost.

    Run it after Temporal lost its database or sagas were terminated. Workers may be running.
    Running it again is harmless: steps that were done before are not repeated.
    It says what became of everything that it started, as far as that is known after some seconds.
    Ends with 1 if something could not be started, or failed again, and needs a person.
    """
    screen = console(stderr=True)
    client, store = await services.temporal(), services.redacted_store
    order_ids = await open_orders(store)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task("orders", total=len(order_ids))
        recovery = Recovery(services.handler, store, client, dry_run=dry_run, at_once=at_once)
        orders = await recovery.run(order_ids, lambda _: progress.advance(task))
    unfinished = await unfinished_workflows(store)
    others = await restart_workflows(client, unfinished, dry_run=dry_run)
    limit_s = within if wait else FIRST_LOOK_S
    seen = await look_after(client, [*orders, *others], limit_s)
    orders, others = seen[: len(orders)], seen[len(orders) :]
    code = REFUSED if any(each.outcome.needs_person for each in seen) else OK
    return Answer(_as_data(orders, others), lambda: _view(orders, others), code)


def _as_data(orders: Sequence[Recovered], others: Sequence[Recovered]) -> dict[str, object]:
    counts = {
        outcome.value: sum(each.outcome is outcome for each in orders)
        for outcome in RecoveryOutcome
    }
    return {
        "open_orders": len(orders),
        "counts": counts,
        "orders": orders,
        "parcels_and_returns": others,
    }


def _view(orders: Sequence[Recovered], others: Sequence[Recovered]) -> RenderableType:
    """Orders that need a person come first."""
    importance = list(reversed(RecoveryOutcome))
    uneventful = (RecoveryOutcome.RUNNING, RecoveryOutcome.ENDED)
    eventful = sorted(
        (each for each in (*orders, *others) if each.outcome not in uneventful),
        key=lambda each: (importance.index(each.outcome), each.order_id),
    )
    parts: list[RenderableType] = []
    if eventful:
        parts.append(_EVENTFUL.table(eventful[:_ROWS_SHOWN]))
    if len(eventful) > _ROWS_SHOWN:
        parts.append(Text(f"and {len(eventful) - _ROWS_SHOWN} more; --json lists all"))
    counts = (
        f"{sum(each.outcome is outcome for each in orders)} {text}"
        for outcome, text in _TEXTS.items()
    )
    parts.append(Text(f"{len(orders)} open orders: {', '.join(counts)}"))
    if others:
        restarted = sum(each.outcome is not RecoveryOutcome.RUNNING for each in others)
        parts.append(Text(f"{len(others)} parcels and returns: {restarted} were not running"))
    return Group(*parts)
