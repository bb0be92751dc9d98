"""`ordersaga parcel`: report carrier scans, and handle parcels that need a person."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table

from domain.errors import NotFound
from domain.ids import delivery_workflow
from ordersaga.cli.common import (
    Cursor,
    Json,
    Limit,
    NeedsAttention,
    OrderArgument,
    Why,
    group,
    moment,
    opened,
    saga_client,
)
from ordersaga.cli.output import async_command, emit, note_next_page
from ordersaga.display.tables import clock, make_table
from ordersaga.operations.actor import operator
from projections.read_models.parcels.model import Parcel, get_parcel, list_parcels

app = group("parcel", "Follow parcels after they have left.")


class ScanStatus(StrEnum):
    """What a carrier can report."""

    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    RETURNED = "returned"
    LOST = "lost"


class ParcelStatus(StrEnum):
    """The status of a parcel."""

    UNKNOWN = "unknown"
    LABEL_BOUGHT = "label_bought"
    LABEL_CANCELLED = "label_cancelled"
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    RETURNED = "returned"
    LOST = "lost"


@app.command()
@async_command
async def report(
    order_id: OrderArgument,
    status: Annotated[ScanStatus, typer.Option(help="What the carrier reports.")],
    at: Annotated[str | None, typer.Option(help="The carrier's time; default: now.")] = None,
    as_json: Json = False,
) -> None:
    """Report a scan of the parcel; repeated, late and unordered reports do no harm."""
    scanned_at = moment(at) if at else datetime.now(UTC)
    async with opened() as services:
        client = await saga_client(services)
        await client.returns.report_scan(order_id, status.value, scanned_at)
    workflow_id = delivery_workflow(order_id)
    answer = {
        "order_id": order_id,
        "status": status.value,
        "at": scanned_at.isoformat(),
        "workflow_id": workflow_id,
    }
    text = f"reported to {workflow_id}: {status.value} at {clock(scanned_at)} UTC"
    emit(answer, as_json=as_json, view=text)


@app.command("list")
@async_command
async def list_(
    status: Annotated[ParcelStatus | None, typer.Option(help="Only this status.")] = None,
    needs_attention: NeedsAttention = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List parcels from the read model, most recently changed first."""
    async with opened() as services:
        page = await list_parcels(
            services.pool,
            status=status.value if status else None,
            needs_attention=True if needs_attention else None,
            limit=limit,
            cursor=cursor,
        )
    emit(page, as_json=as_json, view=lambda: _table(page.items))
    note_next_page(page.next_cursor, as_json=as_json)


@app.command()
@async_command
async def show(order_id: OrderArgument, as_json: Json = False) -> None:
    """Show the parcel of an order, from the read model."""
    async with opened() as services:
        parcel = await get_parcel(services.pool, order_id)
    if parcel is None:
        raise NotFound("parcel of order", order_id)
    emit(parcel, as_json=as_json, view=lambda: _table([parcel]))


def _table(parcels: Sequence[Parcel]) -> Table:
    columns = ("order", "parcel", "carrier", "tracking number", "scanned (UTC)", "waits for")
    return make_table(
        columns,
        (
            (
                x.order_id,
                x.status,
                x.carrier,
                x.tracking_number,
                clock(x.scanned_at),
                x.waiting_for,
            )
            for x in parcels
        ),
    )


@app.command()
@async_command
async def retry(order_id: OrderArgument, why: Why, as_json: Json = False) -> None:
    """Try to record a scan again, or keep waiting for a parcel without scans."""
    async with opened() as services:
        client = (await saga_client(services)).returns
        await client.retry_delivery(order_id, actor=operator(), reason=why)
        _emit_status(await client.delivery_status(order_id), as_json)


@app.command()
@async_command
async def resolve(order_id: OrderArgument, why: Why, as_json: Json = False) -> None:
    """State that a person has handled the parcel; one without scans is no longer followed."""
    async with opened() as services:
        client = (await saga_client(services)).returns
        await client.resolve_delivery(order_id, actor=operator(), note=why)
        _emit_status(await client.delivery_status(order_id), as_json)


def _emit_status(status: Mapping[str, Any], as_json: bool) -> None:
    emit(status, as_json=as_json, view=lambda: status_table(status))


def status_table(status: Mapping[str, Any]) -> Table:
    """The status answer of a workflow, one property per row."""
    rows = [(name.replace("_", " "), _text(value)) for name, value in status.items()]
    return make_table(("", ""), [row for row in rows if row[1]])


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_item(item) for item in value)
    return "" if value in (None, False) else str(value)


def _item(item: object) -> str:
    return f"{item['quantity']} of {item['sku']}" if isinstance(item, dict) else str(item)
