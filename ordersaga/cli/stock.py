"""`ordersaga stock`: receive, correct and show stock."""

from typing import TYPE_CHECKING, Annotated, Final
from uuid import uuid4

import typer
from rich.console import Group, RenderableType

from domain.ids import Sku, parse_sku
from domain.stock.commands import AdjustStock, ReceiveStock, StockCommand
from ordersaga.cli.answers import Answer, CommandGroup, page_answer
from ordersaga.cli.common import Cursor, Limit, Services, SkuArgument, orders_service
from ordersaga.display.tables import Columns, make_table
from projections.read_models.stock_levels.model import list_stock

if TYPE_CHECKING:
    from ordersaga.operations.orders import ShownStock

app = CommandGroup("stock", "Receive, correct and show stock.")

_LEVELS: Final = Columns(
    "sku: SKU, on_hand>, reserved>, available>, received>, shipped>, backordered>, "
    "updated_at: changed (UTC)"
)
_PIECES: Final = Columns("sku: SKU, on_hand>, reserved>, available>, backordered>")


@app.answer()
async def receive(
    services: Services,
    sku: SkuArgument,
    quantity: Annotated[int, typer.Argument(help="Pieces received.")],
    reference: Annotated[
        str | None, typer.Option(help="Identifies the delivery; it is booked only once.")
    ] = None,
) -> Answer:
    """Book a delivery."""
    delivery = f"by-hand-{uuid4().hex[:12]}" if reference is None else reference
    return await _execute(services, sku, ReceiveStock(sku, quantity, delivery))


@app.answer()
async def adjust(
    services: Services,
    sku: SkuArgument,
    by: Annotated[int, typer.Option(help="Difference in pieces; negative if some are missing.")],
    reason: Annotated[str, typer.Option(help="The reason, for the audit trail.")],
) -> Answer:
    """Correct the stock on hand after a count.

    If fewer pieces are left than are reserved, the orders that were reserved last become short and
    wait for the missing pieces. The answer names them.
    """
    command = AdjustStock(sku, by, reason)
    return _answer(await orders_service(services).adjust_stock(command))


async def _execute(services: Services, sku: Sku, command: StockCommand) -> Answer:
    return _answer(await orders_service(services).execute_stock(sku, command))


@app.answer()
async def show(
    services: Services,
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
) -> Answer:
    """Show the stock of a product from the event store, or a list from the read model."""
    if sku is not None:
        return _answer(await orders_service(services).show_stock(sku))
    page = await list_stock(services.pool, available_below=below, limit=limit, cursor=cursor)
    return page_answer(page, _LEVELS)


def _answer(stock: "ShownStock") -> Answer:
    return Answer(stock, lambda: _view(stock))


def _view(stock: "ShownStock") -> RenderableType:
    pieces: RenderableType = _PIECES.table([stock])
    if stock.short:
        rows = [(one.order_id, one.pieces) for one in stock.short]
        pieces = Group(pieces, make_table(("short now, and waiting", "pieces>"), rows))
    if not stock.waiting:
        return pieces
    more = stock.orders_waiting - len(stock.waiting)
    queue = make_table(
        ("waiting, first served first", "pieces>"), [(x.order_id, x.pieces) for x in stock.waiting]
    )
    return Group(pieces, queue, *([f"and {more} more orders"] if more else []))
