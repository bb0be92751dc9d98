"""`ordersaga parcel`: report carrier scans, and handle parcels that need a person."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import typer
from pydantic import BaseModel

from domain.errors import NotFound
from domain.ids import delivery_workflow
from ordersaga.cli.answers import Answer, CommandGroup, page_answer
from ordersaga.cli.common import (
    Cursor,
    Limit,
    NeedsAttention,
    OrderArgument,
    Services,
    Why,
    saga_client,
    time_option,
)
from ordersaga.display.tables import Columns, clock, make_table
from ordersaga.operations.actor import operator
from projections.read_models.parcels.model import get_parcel, list_parcels

app = CommandGroup("parcel", "Follow parcels after they have left.")


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


_FIRST: Final = ("order_id", "return_id", "step", "waits_for", "attention")

_COLUMNS: Final = Columns(
    "order_id: order, status: parcel, carrier, tracking_number, scanned_at: scanned (UTC), "
    "waiting_for: waits for"
)


@app.answer()
async def report(
    services: Services,
    order_id: OrderArgument,
    status: Annotated[ScanStatus, typer.Option(help="What the carrier reports.")],
    at: Annotated[datetime | None, time_option("The carrier's time; default: now.")] = None,
) -> Answer:
    """Report a scan of the parcel; repeated, late and unordered reports do no harm."""
    scanned_at = at or datetime.now(UTC)
    await (await saga_client(services)).parcels.report(order_id, status.value, scanned_at)
    workflow_id = delivery_workflow(order_id)
    answer = {
        "order_id": order_id,
        "status": status,
        "at": scanned_at,
        "workflow_id": workflow_id,
    }
    return Answer(answer, f"reported to {workflow_id}: {status} at {clock(scanned_at)} UTC")


@app.answer("list")
async def list_(
    services: Services,
    status: Annotated[ParcelStatus | None, typer.Option(help="Only this status.")] = None,
    needs_attention: NeedsAttention = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer:
    """List parcels from the read model, most recently changed first."""
    page = await list_parcels(
        services.pool,
        status=status,
        needs_attention=needs_attention or None,
        limit=limit,
        cursor=cursor,
    )
    return page_answer(page, _COLUMNS)


@app.answer()
async def show(services: Services, order_id: OrderArgument) -> Answer:
    """Show the parcel of an order, from the read model."""
    parcel = await get_parcel(services.pool, order_id)
    if parcel is None:
        raise NotFound("parcel of order", order_id)
    return Answer(parcel, lambda: _COLUMNS.table([parcel]))


@app.answer()
async def retry(services: Services, order_id: OrderArgument, why: Why) -> Answer:
    """Try to record a scan again, or keep waiting for a parcel without scans."""
    parcels = (await saga_client(services)).parcels
    await parcels.retry(order_id, actor=operator(), reason=why)
    return status_answer(await parcels.status(order_id))


@app.answer()
async def resolve(services: Services, order_id: OrderArgument, why: Why) -> Answer:
    """State that a person has handled the parcel; one without scans is no longer followed."""
    parcels = (await saga_client(services)).parcels
    await parcels.resolve(order_id, actor=operator(), note=why)
    return status_answer(await parcels.status(order_id))


def status_answer(status: BaseModel) -> Answer:
    """The status of a workflow, one property per row: first what it is about and waits for."""
    content = status.model_dump()
    content = {name: content[name] for name in (*_FIRST, *content) if name in content}
    rows = [(name.replace("_", " "), _text(value)) for name, value in content.items()]
    return Answer(content, lambda: make_table(("", ""), [row for row in rows if row[1]]))


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_item(item) for item in value)
    return "" if value in (None, False) else str(value)


def _item(item: object) -> str:
    return f"{item['quantity']} of line {item['line_id']}" if isinstance(item, dict) else str(item)
