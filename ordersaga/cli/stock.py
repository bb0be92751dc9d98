"""`ordersaga stock`: receive, correct and show stock."""

from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer
from rich.console import Group, RenderableType

from domain.ids import Sku, parse_sku
from domain.stock.commands import AdjustStock, ReceiveStock, StockCommand
from ordersaga.cli.common import Cursor, Json, Limit, SkuArgument, group, opened, orders_service
from ordersaga.cli.output import async_command, emit
from ordersaga.display.tables import clock, make_table
from projections.read_models.stock_levels.model import list_stock

if TYPE_CHECKING:
    from ordersaga.operations.orders import ShownStock

app = group("stock", "Receive, correct and show stock.")


@app.command()
@async_command
async def receive(
    sku: SkuArgument,
    quantity: Annotated[int, typer.Argument(help="Pieces received.")],
    reference: Annotated[
        str | None, typer.Option(help="Identifies the delivery; it is booked only once.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Book a delivery."""
    delivery = f"by-hand-{uuid4().hex[:12]}" if reference is None else reference
    await _execute(sku, ReceiveStock(sku, quantity, delivery), as_json)


@app.command()
@async_command
async def adjust(
    sku: SkuArgument,
    by: Annotated[int, typer.Option(help="Difference in pieces; negative if some are missing.")],
    reason: Annotated[str, typer.Option(help="The reason, for the audit trail.")],
    as_json: Json = False,
) -> None:
    """Correct the stock on hand after a count."""
    await _execute(sku, AdjustStock(sku, by, reason), as_json)


async def _execute(sku: Sku, command: StockCommand, as_json: bool) -> None:
    async with opened() as services:
        _emit(await orders_service(services).execute_stock(sku, command), as_json)


@app.command()
@async_command
async def show(
    sku: Annotated[
        Sku | None,
        typer.Argument(metavar="[SKU]", help="One product; default: all.", parser=parse_sku),
    ] = None,
    below: Annotated[
        int | None,
        typer.Option(
            min=-(2**31), max=2**31 - 1, help="Only products with fewer pieces available."
        ),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """Show the stock of a product from the event store, or a list from the read model."""
    async with opened() as services:
        if sku is not None:
            _emit(await orders_service(services).show_stock(sku), as_json)
            return
        page = await list_stock(services.pool, available_below=below, limit=limit, cursor=cursor)
    emit(
        page,
        as_json=as_json,
        view=lambda: make_table(
            (
                "SKU",
                "on hand>",
                "reserved>",
                "available>",
                "received>",
                "shipped>",
                "backordered>",
                "changed (UTC)",
            ),
            (
                (
                    x.sku,
                    x.on_hand,
                    x.reserved,
                    x.available,
                    x.received,
                    x.shipped,
                    x.backordered,
                    clock(x.updated_at),
                )
                for x in page.items
            ),
        ),
    )


def _emit(stock: "ShownStock", as_json: bool) -> None:
    emit(stock, as_json=as_json, view=lambda: _page(stock))


def _page(stock: "ShownStock") -> RenderableType:
    pieces = make_table(
        ("SKU", "on hand>", "reserved>", "available>", "backordered>"),
        [(stock.sku, stock.on_hand, stock.reserved, stock.available, stock.backordered)],
    )
    if not stock.waiting:
        return pieces
    more = stock.orders_waiting - len(stock.waiting)
    queue = make_table(
        ("waiting, first served first", "pieces>"), [(x.order_id, x.pieces) for x in stock.waiting]
    )
    return Group(pieces, queue, *([f"and {more} more orders"] if more else []))
