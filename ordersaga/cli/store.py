"""`ordersaga store`: how events are kept: partitions, the archive of closed orders."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ordersaga.cli.common import Json, moment, opened
from ordersaga.cli.output import emit, make_table, note, run
from ordersaga.errors import INTERRUPTED, Refused, WrongUsage

if TYPE_CHECKING:
    from asyncio import Event

    from eventstore.postgres.growth.archive import Archive
    from eventstore.postgres.growth.partitions import Layout
    from eventstore.store import EventStore
    from ordersaga.operations.archivable_orders import ClosedOrder

app = typer.Typer(
    name="store", help="How events are kept: partitions, the archive.", no_args_is_help=True
)

_NOTE = "closed before {limit}"


@app.command()
def status(as_json: Json = False) -> None:
    """Show partitions, how many are ready, and what is archived."""
    run(_status(as_json))


async def _status(as_json: bool) -> None:
    from eventstore.postgres.growth.partitions import layout

    async with opened() as services:
        found = await layout(services.pool)
    emit(found, as_json=as_json, view=lambda: _layout_view(found))


def _layout_view(found: "Layout") -> Any:
    from rich.console import Group
    from rich.text import Text

    lines = [
        f"last position {found.head:,}",
        f"archived: {found.archived_events:,} events of {found.archived_streams:,} streams",
        f"size of the archive: {found.archive_bytes / 2**20:,.0f} MiB",
    ]
    if found.size is None:
        return Text("\n".join(["events are kept in one table", *lines]))
    lines.append(f"{found.partitions_ahead:,.1f} partitions of {found.size:,} positions are ahead")
    table = make_table(
        ("partition", "positions", "about events>", "MiB>"),
        (
            (one.name, one.bounds, f"{one.about_events:,}", f"{one.bytes / 2**20:,.0f}")
            for one in found.partitions
        ),
    )
    return Group(table, Text("\n".join(lines)))


# --- partitions ----------------------------------------------------------------------------------


@app.command()
def partition(
    size: Annotated[
        int, typer.Option(min=1000, help="Positions in a partition; 50 million are about 40 GB.")
    ] = 50_000_000,
    as_json: Json = False,
) -> None:
    """Cut the events into partitions by position; there is no way back.

    The table as it is becomes the first partition and nothing is copied, but the event ids are
    written to a table of their own first, which takes a while. Workers may go on. Stopped, it goes
    on where it was when it is called again.
    """
    run(_partition(size, as_json))


async def _partition(size: int, as_json: bool) -> None:
    from eventstore.postgres.growth.partitions import partition as work

    async with opened() as services:
        made = await work(services.settings.dsn(), size, note)
    done = f"events are cut into partitions of {size:,}" if made else "events are cut already"
    emit({"partitioned": made, "size": size}, as_json=as_json, view=done)


@app.command("add-partitions")
def add_partitions(
    ahead: Annotated[int, typer.Option(min=1, max=1000, help="So many beyond the one in use.")] = 2,
    as_json: Json = False,
) -> None:
    """Make partitions ahead of need; to be called by a timer, once a day say."""
    run(_add_partitions(ahead, as_json))


async def _add_partitions(ahead: int, as_json: bool) -> None:
    from eventstore.errors import LayoutBusy
    from eventstore.postgres.growth.partitions import add_partitions as work

    async with opened() as services:
        try:
            made = await work(services.settings.dsn(), ahead)
        except LayoutBusy:
            raise Refused("events are kept in one table: `ordersaga store partition`") from None
    emit({"made": made}, as_json=as_json, view=f"made {made} partitions")


# --- the archive ---------------------------------------------------------------------------------


@app.command()
def archive(
    closed_before: Annotated[str, typer.Option(help="Nothing happened since; a date or time.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Events moved in one transaction.")] = 5_000,
    as_json: Json = False,
) -> None:
    """Move the events of orders that ended long ago into the archive.

    They are read as before, also by rebuilds; an append brings an order's stream back. Stopped or
    killed, it goes on with what is left when it is called again.
    """
    limit = moment(closed_before)
    if limit > datetime.now(UTC):
        raise WrongUsage("--closed-before must not be in the future")
    run(_archive(limit, dry_run, batch, as_json))


async def _archive(limit: datetime, dry_run: bool, batch: int, as_json: bool) -> int:
    from eventstore.postgres.growth.archive import Archive
    from ordersaga.daemons.service import stopping_on_signals

    count = {"orders": 0, "streams": 0, "events": 0}
    async with opened() as services:
        keep = Archive(services.pool)
        with stopping_on_signals() as stop:
            orders = _until(stop, services.log, keep, limit, count)
            if dry_run:
                async for order in orders:
                    count["streams"] += len(order.streams)
                    count["events"] += order.events
            else:
                await _move(keep, orders, _NOTE.format(limit=limit.isoformat()), batch, count)
    verb = "would be archived" if dry_run else "are archived"
    text = f"{count['events']:,} events of {count['orders']:,} orders {verb}"
    emit({"dry_run": dry_run, **count}, as_json=as_json, view=text)
    return INTERRUPTED if stop.is_set() else 0


async def _until(
    stop: "Event", store: "EventStore", keep: "Archive", limit: datetime, count: dict[str, int]
) -> "AsyncIterator[ClosedOrder]":
    """The orders that can go, until somebody wants to stop."""
    from ordersaga.operations.archivable_orders import closed_orders

    async for order in closed_orders(store, keep, limit):
        if stop.is_set():
            return
        count["orders"] += 1
        yield order


async def _move(
    keep: "Archive",
    orders: "AsyncIterator[ClosedOrder]",
    reason: str,
    batch: int,
    count: dict[str, int],
) -> None:
    from eventstore.postgres.growth.archive import archive_many

    groups = (order.streams async for order in orders)
    async for moved in archive_many(keep, groups, reason, most=batch):
        count["streams"] += moved.streams
        count["events"] += moved.events


@app.command()
def restore(
    order_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Order ids.")],
    as_json: Json = False,
) -> None:
    """Take the events of orders out of the archive; what is not there is left alone."""
    from domain.ids import parse_order_id, streams_of_order

    known = [parse_order_id(text) for text in order_ids]
    run(_restore([name for each in known for name in streams_of_order(each)], as_json))


async def _restore(streams: Sequence[str], as_json: bool) -> None:
    from eventstore.postgres.growth.archive import Archive

    async with opened() as services:
        moved = await Archive(services.pool).restore(streams, "ordersaga store restore")
    text = f"{moved.events:,} events of {moved.streams:,} streams are back"
    emit(moved, as_json=as_json, view=text)
