"""`ordersaga restored`: what to run after a restore, or after a fail-over that lost commits."""

from typing import Annotated, Final

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from ordersaga.cli.answers import Answer, answering
from ordersaga.cli.common import Services
from ordersaga.cli.output import OK
from ordersaga.display.tables import Columns
from ordersaga.errors import REFUSED, WrongUsage
from ordersaga.operations.actor import operator
from ordersaga.operations.restoring.outcome import Restored
from ordersaga.operations.restoring.restore import Restore
from ordersaga.operations.verification.wired import open_sources

_ROWS_SHOWN: Final = 50
_AHEAD: Final = Columns(
    "workflow_id: workflow, was, fate: result, why, lost_acts: acts that are lost"
)
_FORGOTTEN: Final = Columns(
    "what, reference, order_id: order, amount, status, then: what becomes of it"
)


@answering
async def restored(
    services: Services,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be done.")
    ] = False,
    announce: Annotated[
        bool,
        typer.Option(
            "--announce",
            help="The database was put back in a way that PostgreSQL does not show, such as a copy "
            "of its files: begin another history first.",
        ),
    ] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="With --announce: why.")] = None,
) -> Answer:
    """Find what a restored database has lost, and start again what knows more than it.

    Run it after a restore to an earlier point in time, and after a fail-over. The sagas, parcels
    and returns that know more than the database are ended, without undoing anything, and started
    again from what it knows; the payment provider and the carrier are asked for what it has
    forgotten. It says what was lost. Processes may be running. Running it again is harmless.
    Ends with 1 if something needs a person.
    """
    if announce != (reason is not None):
        raise WrongUsage("--announce and --reason go together")
    if announce and dry_run:
        raise WrongUsage("--announce begins another history: it cannot be tried with --dry-run")
    if reason is not None:
        await services.history_table.announce(operator(), reason)
    table, sources = services.history_table, await open_sources(services)
    outcome = await Restore(
        await services.temporal(), services.handler, table, sources, dry_run
    ).run()
    if not dry_run:
        await table.note_examined(outcome.history.number, operator(), outcome.kept())
    code = REFUSED if outcome.needs_person else OK
    return Answer(outcome, lambda: _view(outcome), code)


def _view(outcome: Restored) -> RenderableType:
    history = outcome.history
    until = f", {history.known_until:%Y-%m-%d %H:%M:%S} UTC" if history.known_until else ""
    parts: list[RenderableType] = [
        Text(
            f"history {history.number} ({history.act}: {history.reason}): of what was before it "
            f"knows everything up to position {history.known_up_to}{until}; positions up to "
            f"{history.begins_at} are lost"
        )
    ]
    if outcome.ahead:
        parts.append(_AHEAD.table(outcome.ahead[:_ROWS_SHOWN]))
    if outcome.forgotten:
        parts.append(_FORGOTTEN.table(outcome.forgotten[:_ROWS_SHOWN]))
    parts += [Text(f"not asked: {why}") for why in outcome.unasked]
    parts += [Text(f"not started: {left}") for left in outcome.left]
    parts.append(
        Text(
            f"{outcome.examined} workflows read: {len(outcome.ahead)} knew more than the database; "
            f"{len(outcome.forgotten)} payments and labels that it had forgotten; "
            f"{outcome.recovered} open orders, parcels and returns had no running workflow and "
            "were started"
        )
    )
    return Group(*parts)
