"""`ordersaga notifications`: send, list and retry notifications to other systems."""

from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

import typer

from ordersaga.cli.answers import Answer, CommandGroup, page_answer
from ordersaga.cli.common import Cursor, Limit, Services, opened, text_option
from ordersaga.cli.output import async_command
from ordersaga.display.tables import Columns
from ordersaga.errors import Refused, WrongUsage
from projections.outbox import outbox

app = CommandGroup("notifications", "Notify other systems of what happens to orders.")

Order = Annotated[str | None, text_option("Only about this order.", metavar="ID")]
Kind = Annotated[str | None, text_option("Only of this kind, such as order.completed.")]

_COUNTS: Final = Columns(
    "waiting>, leased: being sent>, retrying: to be retried>, oldest: oldest waits s>, delivered>, "
    "dead>",
    oldest=lambda x: f"{x.oldest_waiting_s:.0f}",
)
_COLUMNS: Final = Columns(
    "occurred_at: when (UTC), subject: order, kind, state, attempts>, next_try, last_error, id",
    next_try=lambda x: x.due_at if x.state == "waiting" else None,
)


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


@app.answer()
async def status(services: Services) -> Answer:
    """Count waiting, delivered and dead notifications."""
    counts = await outbox.count(services.pool)
    return Answer(counts, lambda: _COUNTS.table([counts]))


@app.answer("list")
async def list_(
    services: Services,
    state: Annotated[State | None, typer.Option(help="Only this state.")] = None,
    order: Order = None,
    kind: Kind = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer:
    """List notifications with attempts and last error, most recent event first."""
    page = await outbox.list_notifications(
        services.pool, state=state, subject=order, kind=kind, limit=limit, cursor=cursor
    )
    return page_answer(page, _COLUMNS)


@app.answer()
async def retry(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Notification ids.")
    ] = None,
    order: Order = None,
    kind: Kind = None,
    every: Annotated[bool, typer.Option("--all", help="All that are not delivered.")] = False,
) -> Answer:
    """Send dead notifications again, and waiting ones immediately; delivered ones are not sent."""
    if not (ids or order or kind or every):
        raise WrongUsage("say which: ids, --order, --kind or --all")
    uuids = [_uuid(text) for text in ids] if ids else None
    async with opened() as services:
        retried = await outbox.retry(services.pool, uuids, subject=order, kind=kind)
    if ids and not retried:
        raise Refused("none of these is waiting or dead")
    return Answer({"retried": retried}, f"{len(retried)} will be sent again")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise WrongUsage(f"{text!r} is not a notification id") from None


@app.answer()
async def backfill(
    services: Services,
    after: Annotated[
        int, typer.Option(min=0, help="Only events after this position; 0: all events.")
    ] = 0,
) -> Answer:
    """Create notifications for events that are older than the outbox; none is created twice."""
    position = await outbox.backfill(services.pool, after)
    return Answer({"position": position}, f"continues after position {position}")
