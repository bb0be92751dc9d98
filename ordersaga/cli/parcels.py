"""`ordersaga parcel`: report what the carrier says, and look after parcels that need a person."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ordersaga.cli.common import (
    Cursor,
    Json,
    Limit,
    OrderArgument,
    clock,
    moment,
    opened,
    refusals,
    saga_client,
)
from ordersaga.cli.output import emit, make_table, note, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from rich.console import RenderableType

    from projections.read_models.parcels.model import Parcel

app = typer.Typer(name="parcel", help="Follow parcels after they have left.", no_args_is_help=True)


class ScanStatus(StrEnum):
    """What a carrier can say."""

    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    RETURNED = "returned"
    LOST = "lost"


class ParcelStatus(StrEnum):
    """Where a parcel can be."""

    UNKNOWN = "unknown"
    LABEL_BOUGHT = "label_bought"
    LABEL_CANCELLED = "label_cancelled"
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    RETURNED = "returned"
    LOST = "lost"


@app.command()
def report(
    order_id: OrderArgument,
    status: Annotated[ScanStatus, typer.Option(help="What the carrier says.")],
    at: Annotated[str | None, typer.Option(help="The carrier's time; default: now.")] = None,
    as_json: Json = False,
) -> None:
    """Report a scan of the parcel; twice, late or out of order does no harm."""
    from datetime import UTC, datetime

    run(_report(order_id, status.value, moment(at) if at else datetime.now(UTC), as_json))


async def _report(order_id: str, status: str, at: "datetime", as_json: bool) -> None:
    from domain.ids import delivery_workflow, parse_order_id

    known = parse_order_id(order_id)
    async with opened() as services:
        await (await saga_client(services)).report_scan(known, status, at)
    told = {
        "order_id": known,
        "status": status,
        "at": at.isoformat(),
        "workflow_id": delivery_workflow(known),
    }
    emit(told, as_json=as_json, view=f"told {told['workflow_id']}: {status} at {clock(at)} UTC")


@app.command("list")
def list_(
    status: Annotated[ParcelStatus | None, typer.Option(help="Only these.")] = None,
    needs_attention: Annotated[
        bool, typer.Option("--needs-attention", help="Only those that need a person.")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List parcels from the read model, the latest changed first."""
    run(_list(status.value if status else None, needs_attention, limit, cursor, as_json))


async def _list(
    status: str | None, needs_attention: bool, limit: int, cursor: str | None, as_json: bool
) -> None:
    from projections.read_models.parcels.model import list_parcels

    async with opened() as services:
        with refusals():
            found = await list_parcels(
                services.pool,
                status=status,
                needs_attention=True if needs_attention else None,
                limit=limit,
                cursor=cursor,
            )
    emit(found, as_json=as_json, view=lambda: _table(found.items))
    if found.next_cursor and not as_json:
        note(f"there is more: --cursor {found.next_cursor}")


@app.command()
def show(order_id: OrderArgument, as_json: Json = False) -> None:
    """Show the parcel of an order, from the read model."""
    run(_show(order_id, as_json))


async def _show(order_id: str, as_json: bool) -> None:
    from domain.errors import NotFound
    from domain.ids import parse_order_id
    from projections.read_models.parcels.model import get_parcel

    known = parse_order_id(order_id)
    async with opened() as services:
        parcel = await get_parcel(services.pool, known)
    if parcel is None:
        raise NotFound("parcel of order", known)
    emit(parcel, as_json=as_json, view=lambda: _table([parcel]))


def _table(parcels: "Sequence[Parcel]") -> "RenderableType":
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


Why = Annotated[str, typer.Option("--reason", "--note", help="Why; stands in the audit trail.")]


@app.command()
def retry(order_id: OrderArgument, why: Why, as_json: Json = False) -> None:
    """Try to record a scan again, or wait on through a silence."""
    run(_steer(order_id, "retry", why, as_json))


@app.command()
def resolve(order_id: OrderArgument, why: Why, as_json: Json = False) -> None:
    """Say that a person has looked after the parcel; a silent one is followed no longer."""
    run(_steer(order_id, "resolve", why, as_json))


async def _steer(order_id: str, act: str, why: str, as_json: bool) -> None:
    from domain.ids import parse_order_id
    from ordersaga.operations.orders import operator

    parse_order_id(order_id)
    async with opened() as services:
        client = await saga_client(services)
        if act == "retry":
            await client.retry_delivery(order_id, actor=operator(), reason=why)
        else:
            await client.resolve_delivery(order_id, actor=operator(), note=why)
        status = await client.delivery_status(order_id)
    emit(status, as_json=as_json, view=lambda: facts(status))


def facts(status: "Mapping[str, Any]") -> "RenderableType":
    """What a workflow says of itself, a line a fact."""
    rows = [(name.replace("_", " "), _shown(value)) for name, value in status.items()]
    return make_table(("", ""), [row for row in rows if row[1]])


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_piece(item) for item in value)
    return "" if value in (None, False) else str(value)


def _piece(item: object) -> str:
    return f"{item['quantity']} of {item['sku']}" if isinstance(item, dict) else str(item)
