"""`ordersaga notifications`: send, list and retry notifications to other systems."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from ordersaga.cli.common import Cursor, Json, Limit, group, opened, searchable
from ordersaga.cli.output import async_command, emit, note_next_page
from ordersaga.display.tables import clock, make_table
from ordersaga.errors import Refused, WrongUsage
from projections.outbox import outbox
from projections.paging import Page

app = group("notifications", "Notify other systems of what happens to orders.")

Order = Annotated[str | None, typer.Option(metavar="ID", help="Only about this order.")]
Kind = Annotated[str | None, typer.Option(help="Only of this kind, such as order.completed.")]


class State(StrEnum):
    """The state of a notification."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@app.command()
@async_command
async def run() -> None:
    """Send to the webhook or the log until SIGTERM; any number of processes may run at once."""
    from ordersaga.daemons.entry import run_notifications  # noqa: PLC0415  0.3 s, for `run` alone

    await run_notifications()


@app.command()
@async_command
async def status(as_json: Json = False) -> None:
    """Count waiting, delivered and dead notifications."""
    async with opened() as services:
        counts = await outbox.count(services.pool)
    emit(counts, as_json=as_json, view=lambda: _status_table(counts))


def _status_table(counts: outbox.OutboxStatus) -> Table:
    return make_table(
        ("waiting>", "being sent>", "to be retried>", "oldest waits s>", "delivered>", "dead>"),
        [
            (
                counts.waiting,
                counts.leased,
                counts.retrying,
                f"{counts.oldest_waiting_s:.0f}",
                counts.delivered,
                counts.dead,
            )
        ],
    )


@app.command("list")
@async_command
async def list_(
    state: Annotated[State | None, typer.Option(help="Only this state.")] = None,
    order: Order = None,
    kind: Kind = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List notifications with attempts and last error, most recent event first."""
    subject, only_kind = searchable(order, "--order"), searchable(kind, "--kind")
    async with opened() as services:
        page = await outbox.list_notifications(
            services.pool,
            state=state.value if state else None,
            subject=subject,
            kind=only_kind,
            limit=limit,
            cursor=cursor,
        )
    emit(page, as_json=as_json, view=lambda: _table(page))
    note_next_page(page.next_cursor, as_json=as_json)


def _table(page: Page[outbox.NotificationRow]) -> Table:
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
@async_command
async def retry(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Notification ids.")
    ] = None,
    order: Order = None,
    kind: Kind = None,
    every: Annotated[bool, typer.Option("--all", help="All that are not delivered.")] = False,
    as_json: Json = False,
) -> None:
    """Send dead notifications again, and waiting ones immediately; delivered ones are not sent."""
    if not (ids or order or kind or every):
        raise WrongUsage("say which: ids, --order, --kind or --all")
    uuids = [_uuid(text) for text in ids] if ids else None
    subject, only_kind = searchable(order, "--order"), searchable(kind, "--kind")
    async with opened() as services:
        retried = await outbox.retry(services.pool, uuids, subject=subject, kind=only_kind)
    if ids and not retried:
        raise Refused("none of these is waiting or dead")
    emit({"retried": retried}, as_json=as_json, view=f"{len(retried)} will be sent again")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise WrongUsage(f"{text!r} is not a notification id") from None


@app.command()
@async_command
async def backfill(
    after: Annotated[
        int, typer.Option(min=0, help="Only events after this position; 0: all events.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Create notifications for events from before they were installed; none is created twice."""
    async with opened() as services:
        position = await outbox.backfill(services.pool, after)
    emit({"position": position}, as_json=as_json, view=f"continues after position {position}")
