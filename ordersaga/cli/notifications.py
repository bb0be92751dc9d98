"""What other systems are told: `notifications run|status|list|retry|backfill`."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from ordersaga.cli.common import Cursor, Json, Limit, clock, opened, refusals, storable
from ordersaga.cli.output import emit, make_table, note, run
from ordersaga.errors import Refused, WrongUsage

if TYPE_CHECKING:
    from rich.table import Table

    from projections.outbox.outbox import NotificationRow, OutboxStatus
    from projections.paging import Page

app = typer.Typer(
    name="notifications", help="Tell other systems what happens to orders.", no_args_is_help=True
)

Order = Annotated[str | None, typer.Option(metavar="ID", help="Only about this order.")]
Kind = Annotated[str | None, typer.Option(help="Only of this kind, such as order.completed.")]


class State(StrEnum):
    """Where a notification stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@app.command("run")
def run_sender() -> None:
    """Send until SIGTERM, to the webhook or the log; any number of processes may do it at once."""
    from ordersaga.daemons.entry import run_notifications

    run(run_notifications())


@app.command()
def status(as_json: Json = False) -> None:
    """Count what waits, was delivered and is dead."""
    run(_status(as_json))


async def _status(as_json: bool) -> None:
    from projections.outbox.outbox import count

    async with opened() as services:
        found = await count(services.pool)
    emit(found, as_json=as_json, view=lambda: _status_table(found))


def _status_table(found: "OutboxStatus") -> "Table":
    return make_table(
        ("waiting>", "on their way>", "to be retried>", "oldest waits s>", "delivered>", "dead>"),
        [
            (
                found.waiting,
                found.leased,
                found.retrying,
                f"{found.oldest_waiting_s:.0f}",
                found.delivered,
                found.dead,
            )
        ],
    )


@app.command("list")
def list_all(
    state: Annotated[State | None, typer.Option(help="Only these.")] = None,
    order: Order = None,
    kind: Kind = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List notifications, the latest event first, with attempts and last error."""
    run(
        _list(
            state.value if state else None,
            storable(order, "--order"),
            storable(kind, "--kind"),
            limit,
            cursor,
            as_json,
        )
    )


async def _list(
    state: str | None,
    order: str | None,
    kind: str | None,
    limit: int,
    cursor: str | None,
    as_json: bool,
) -> None:
    from projections.outbox.outbox import list_notifications

    async with opened() as services:
        with refusals():
            page = await list_notifications(
                services.pool, state=state, subject=order, kind=kind, limit=limit, cursor=cursor
            )
    emit(page, as_json=as_json, view=lambda: _table(page))
    if page.next_cursor and not as_json:
        note(f"there is more: --cursor {page.next_cursor}")


def _table(page: "Page[NotificationRow]") -> "Table":
    columns = ("when (UTC)", "order", "kind", "state", "attempts>", "next try", "last error", "id")
    return make_table(
        columns,
        (
            (
                clock(x.occurred_at),
                x.subject,
                x.kind,
                x.state,
                x.attempts,
                clock(x.due_at) if x.state == State.WAITING else "",
                x.last_error,
                x.id,
            )
            for x in page.items
        ),
    )


@app.command()
def retry(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Notification ids.")
    ] = None,
    order: Order = None,
    kind: Kind = None,
    every: Annotated[bool, typer.Option("--all", help="Every one that is not delivered.")] = False,
    as_json: Json = False,
) -> None:
    """Send dead notifications again, and waiting ones now; delivered ones stay as they are."""
    if not (ids or order or kind or every):
        raise WrongUsage("say which: ids, --order, --kind or --all")
    chosen = [_uuid(text) for text in ids] if ids else None
    run(_retry(chosen, storable(order, "--order"), storable(kind, "--kind"), as_json))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise WrongUsage(f"{text!r} is no id of a notification") from None


async def _retry(
    ids: list[UUID] | None, order: str | None, kind: str | None, as_json: bool
) -> None:
    from projections.outbox import outbox

    async with opened() as services:
        found = await outbox.retry(services.pool, ids, subject=order, kind=kind)
    if ids and not found:
        raise Refused("none of these waits or is dead")
    emit({"retried": found}, as_json=as_json, view=f"{len(found)} will be sent again")


@app.command()
def backfill(
    after: Annotated[
        int, typer.Option(min=0, help="Only events after this position; 0 for all there are.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Tell what happened before notifications were installed; nothing is told twice."""
    run(_backfill(after, as_json))


async def _backfill(after: int, as_json: bool) -> None:
    from projections.outbox import outbox

    async with opened() as services:
        with refusals():
            position = await outbox.backfill(services.pool, after)
    emit({"position": position}, as_json=as_json, view=f"goes on after position {position}")
