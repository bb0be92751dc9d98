"""`ordersaga stock`: receive, correct and look at stock."""

from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from ordersaga.cli.common import Cursor, Json, Limit, SkuArgument, clock, opened, refusals
from ordersaga.cli.output import emit, make_table, run

if TYPE_CHECKING:
    from rich.console import RenderableType

    from domain.ids import Sku
    from domain.stock.commands import StockCommand
    from ordersaga.operations.orders import ShownStock

app = typer.Typer(name="stock", help="Receive, correct and look at stock.", no_args_is_help=True)


@app.command()
def receive(
    sku: SkuArgument,
    quantity: Annotated[int, typer.Argument(help="Pieces that came in.")],
    reference: Annotated[
        str | None, typer.Option(help="Names the delivery: the same one books once.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Book a delivery in."""
    from domain.ids import parse_sku
    from domain.stock.commands import ReceiveStock

    known = parse_sku(sku)
    name = f"by-hand-{uuid4().hex[:12]}" if reference is None else reference
    run(_tell(known, ReceiveStock(known, quantity, name), as_json))


@app.command()
def adjust(
    sku: SkuArgument,
    by: Annotated[int, typer.Option(help="Pieces more, or with a minus fewer.")],
    reason: Annotated[str, typer.Option(help="Why; stands in the audit trail.")],
    as_json: Json = False,
) -> None:
    """Correct the ledger after a count."""
    from domain.ids import parse_sku
    from domain.stock.commands import AdjustStock

    known = parse_sku(sku)
    run(_tell(known, AdjustStock(known, by, reason), as_json))


async def _tell(sku: "Sku", command: "StockCommand", as_json: bool) -> None:
    from ordersaga.operations.orders import OrdersService

    async with opened() as services:
        _emit(await OrdersService.of(services).tell_stock(sku, command), as_json)


@app.command()
def show(
    sku: Annotated[
        str | None, typer.Argument(metavar="[SKU]", help="One product; all if left out.")
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
    """Show a product's stock from the event store, or a list from the read model."""
    if sku is not None:
        run(_show(sku, as_json))
    run(_list(below, limit, cursor, as_json))


async def _show(sku: str, as_json: bool) -> None:
    from domain.ids import parse_sku
    from ordersaga.operations.orders import OrdersService

    known = parse_sku(sku)
    async with opened() as services:
        _emit(await OrdersService.of(services).show_stock(known), as_json)


async def _list(below: int | None, limit: int, cursor: str | None, as_json: bool) -> None:
    from projections.read_models.stock_levels.model import list_stock

    async with opened() as services:
        with refusals():
            page = await list_stock(
                services.pool, available_below=below, limit=limit, cursor=cursor
            )
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


def _page(stock: "ShownStock") -> "RenderableType":
    from rich.console import Group

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
    return Group(pieces, queue, *([f"and {more} orders more"] if more else []))
