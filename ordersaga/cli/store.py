"""`ordersaga store`: partitions, and the archive of closed orders."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from domain.ids import OrderId, parse_order_id, streams_of_order
from eventstore.errors import LayoutBusy
from eventstore.postgres.growth import partitions
from eventstore.postgres.growth.archive import Archive, archive_many
from eventstore.postgres.set_aside import PostgresSetAsideEvents
from eventstore.store import EventStore
from ordersaga.cli.answers import Answer, CommandGroup
from ordersaga.cli.common import Limit, Services, opened, time_option
from ordersaga.cli.output import OK, note
from ordersaga.daemons.ending import stopping_on_signals
from ordersaga.display.tables import Columns, make_table
from ordersaga.errors import INTERRUPTED, Refused, WrongUsage
from ordersaga.operations.archivable_orders import ArchivableOrder, archivable_orders

if TYPE_CHECKING:
    from asyncio import Event

_SET_ASIDE: Final = Columns(
    "follower, stream, position>, event_type: event, tries>, first_seen: since, due_at: next try, "
    "error"
)

app = CommandGroup("store", "Manage partitions and the archive of the event store.")


@app.answer()
async def status(services: Services) -> Answer:
    """Show the partitions, how many are prepared, and the size of the archive."""
    layout = await partitions.layout(services.pool)
    return Answer(layout, lambda: _layout_view(layout))


def _layout_view(layout: partitions.Layout) -> RenderableType:
    lines = [
        f"last position {layout.head:,}",
        f"archived: {layout.archived_events:,} events of {layout.archived_streams:,} streams",
        f"size of the archive: {layout.archive_bytes / 2**20:,.0f} MiB",
    ]
    if layout.size is None:
        return Text("\n".join(["events are kept in one table", *lines]))
    lines.append(
        f"{layout.partitions_ahead:,.1f} partitions of {layout.size:,} positions are ahead"
    )
    table = make_table(
        ("partition", "positions", "about events>", "MiB>"),
        (
            (one.name, one.bounds, f"{one.about_events:,}", f"{one.bytes / 2**20:,.0f}")
            for one in layout.partitions
        ),
    )
    return Group(table, Text("\n".join(lines)))


# --- partitions ----------------------------------------------------------------------------------


@app.answer()
async def partition(
    services: Services,
    size: Annotated[
        int,
        typer.Option(min=1000, help="Positions in a partition; 50 million take about 40 GB."),
    ] = 50_000_000,
) -> Answer:
    """Partition the events by position; this cannot be undone.

    The present table becomes the first partition and is not copied. First the event ids are
    written to a table of their own, which takes a while. Workers may be running. If the command
    is stopped, run it again to continue.
    """
    partitioned = await partitions.partition(services.settings.dsn(), size, note)
    text = (
        f"events are partitioned, {size:,} positions each"
        if partitioned
        else "events are partitioned already"
    )
    return Answer({"partitioned": partitioned, "size": size}, text)


@app.answer()
async def add_partitions(
    services: Services,
    ahead: Annotated[
        int, typer.Option(min=1, max=1000, help="How many to have beyond the one in use.")
    ] = 2,
) -> Answer:
    """Create partitions in advance; run it from a timer, about once a day."""
    try:
        created = await partitions.add_partitions(services.settings.dsn(), ahead)
    except LayoutBusy:
        raise Refused("events are kept in one table: `ordersaga store partition`") from None
    return Answer({"made": created}, f"created {created} partitions")


# --- the archive ---------------------------------------------------------------------------------


@app.answer()
async def archive(
    closed_before: Annotated[
        datetime, time_option("Orders without events since this date or time.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Events moved per transaction.")] = 5_000,
) -> Answer:
    """Move the events of orders that ended long ago into the archive.

    Archived events can still be read, also by rebuilds. An append to an archived stream brings it
    back first. If the command is stopped or killed, run it again to move the rest.
    """
    if closed_before > datetime.now(UTC):
        raise WrongUsage("--closed-before must not be in the future")
    count = {"orders": 0, "streams": 0, "events": 0}
    async with opened() as services:
        archive = Archive(services.pool)
        with stopping_on_signals() as stop:
            orders = _until_stopped(stop, services.log, archive, closed_before, count)
            if dry_run:
                async for order in orders:
                    count["streams"] += len(order.streams)
                    count["events"] += order.events
            else:
                reason = f"closed before {closed_before.isoformat()}"
                await _move(archive, orders, reason, batch, count)
    verb = "would be archived" if dry_run else "are archived"
    text = f"{count['events']:,} events of {count['orders']:,} orders {verb}"
    return Answer({"dry_run": dry_run, **count}, text, INTERRUPTED if stop.is_set() else OK)


async def _until_stopped(
    stop: "Event", store: EventStore, archive: Archive, limit: datetime, count: dict[str, int]
) -> AsyncIterator[ArchivableOrder]:
    """The orders that can be archived, until `stop` is set."""
    async for order in archivable_orders(store, archive, limit):
        if stop.is_set():
            return
        count["orders"] += 1
        yield order


async def _move(
    archive: Archive,
    orders: AsyncIterator[ArchivableOrder],
    reason: str,
    batch: int,
    count: dict[str, int],
) -> None:
    streams = (order.streams async for order in orders)
    async for moved in archive_many(archive, streams, reason, most=batch):
        count["streams"] += moved.streams
        count["events"] += moved.events


@app.answer()
async def set_aside(services: Services, limit: Limit = 50) -> Answer:
    """List events that the starter could not act on; it tries each again with growing pauses.

    An event leaves the list when a try succeeds, for example after the master key was put right.
    A restart of the starter tries all of them immediately.
    """
    events = await PostgresSetAsideEvents(services.pool).first(limit)
    return Answer(events, lambda: _SET_ASIDE.table(events) if events else "no event is set aside")


@app.answer()
async def restore(
    services: Services,
    order_ids: Annotated[
        list[OrderId], typer.Argument(metavar="ID...", help="Order ids.", parser=parse_order_id)
    ],
) -> Answer:
    """Move the events of orders back from the archive; orders that are not there are ignored."""
    streams = [stream for order_id in order_ids for stream in streams_of_order(order_id)]
    moved = await Archive(services.pool).restore(streams, "ordersaga store restore")
    text = f"{moved.events:,} events of {moved.streams:,} streams are restored"
    return Answer(moved, text)
