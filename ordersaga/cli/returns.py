"""`ordersaga return`: returned goods and refunds of completed orders."""

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from domain.ids import OrderId, ReturnId, parse_return_id
from ordersaga.cli.common import (
    Cursor,
    Json,
    Limit,
    NeedsAttention,
    OrderArgument,
    Why,
    group,
    opened,
    saga_client,
    searchable,
)
from ordersaga.cli.output import async_command, emit, note_next_page
from ordersaga.cli.parcels import status_table
from ordersaga.display.tables import clock, make_table, money
from ordersaga.errors import WrongUsage
from ordersaga.operations.actor import operator
from projections.read_models.returns.model import ReturnRow, list_returns

if TYPE_CHECKING:
    from ordersaga.client.returns import ReturnsClient

app = group("return", "Take goods back and refund money.")

ReturnArgument = Annotated[
    ReturnId,
    typer.Argument(
        metavar="RETURN",
        help="Return id: letters, digits, dots, underscores.",
        parser=parse_return_id,
    ),
]
Lines = Annotated[
    list[str] | None,
    typer.Option("--line", metavar="SKU=PIECES", help="Pieces of a product; may be repeated."),
]
Amount = Annotated[
    int | None, typer.Option("--amount-minor", min=1, help="Refund this many minor units (pence).")
]


class RefundWord(StrEnum):
    """A refund that needs no amount."""

    FULL = "full"
    NONE = "none"


class RestockWord(StrEnum):
    """A restock that needs no lines."""

    ALL = "all"
    NONE = "none"


@app.command("open")
@async_command
async def open_(
    order_id: OrderArgument,
    return_id: ReturnArgument,
    why: Why,
    lines: Lines = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All pieces that are in no other return.")
    ] = False,
    refund: Annotated[
        RefundWord | None, typer.Option(help="Decide the refund immediately.")
    ] = None,
    amount: Amount = None,
    restock: Annotated[
        RestockWord | None, typer.Option(help="Decide the restock immediately.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Open a return of a part of an order; opening the same one again changes nothing."""
    if bool(lines) == everything:
        raise WrongUsage("say what is returned: --line SKU=PIECES, or --all")
    document: dict[str, Any] = {
        "order_id": order_id,
        "return_id": return_id,
        "lines": "all" if everything else _pieces(lines or []),
        "actor": operator(),
        "reason": why,
    }
    if (decision := _refund(refund, amount)) is not None:
        document["refund"] = decision
    if restock:
        document["restock"] = restock.value
    from ordersaga.client.returns import checked_return  # noqa: PLC0415  loads Temporal

    checked = checked_return(document)
    async with opened() as services:
        client = (await saga_client(services)).returns
        await client.open_return(checked)
        status = await client.until_opened(order_id, return_id)
    emit(status, as_json=as_json, view=lambda: status_table(status))


def _pieces(lines: Sequence[str]) -> list[dict[str, Any]]:
    return [_piece(line) for line in lines]


def _piece(line: str) -> dict[str, Any]:
    sku, equals, pieces = line.rpartition("=")
    if not equals or not pieces.isdecimal():
        raise WrongUsage(f"{line!r} is not SKU=PIECES, such as LAMP-1=2")
    return {"sku": sku, "quantity": int(pieces)}


def _refund(word: RefundWord | None, amount: int | None) -> Any:
    if word and amount is not None:
        raise WrongUsage("either --amount-minor, or full or none")
    if amount is not None:
        return {"amount_minor": amount}
    return word.value if word else None


@app.command("list")
@async_command
async def list_(
    order: Annotated[str | None, typer.Option(help="Only this order.")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only open ones.")] = False,
    needs_attention: NeedsAttention = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List returns from the read model, most recently changed first."""
    order_id = searchable(order, "--order")
    async with opened() as services:
        page = await list_returns(
            services.pool,
            order_id=order_id,
            open_only=open_only,
            needs_attention=True if needs_attention else None,
            limit=limit,
            cursor=cursor,
        )
    emit(page, as_json=as_json, view=lambda: _table(page.items))
    note_next_page(page.next_cursor, as_json=as_json)


def _table(returns: Sequence[ReturnRow]) -> Table:
    return make_table(
        (
            "order",
            "return",
            "kind",
            "pieces>",
            "refund",
            "amount>",
            "restock",
            "opened (UTC)",
            "closed (UTC)",
            "waits for",
        ),
        (
            (
                x.order_id,
                x.return_id,
                x.kind,
                x.pieces,
                x.refund,
                money(x.refund_minor, x.currency) if x.refund_minor and x.currency else "",
                x.restock,
                clock(x.opened_at),
                clock(x.closed_at),
                x.waiting_for,
            )
            for x in returns
        ),
    )


@app.command()
@async_command
async def show(order_id: OrderArgument, return_id: ReturnArgument, as_json: Json = False) -> None:
    """Show the state of a return, from its workflow."""
    async with opened() as services:
        status = await (await saga_client(services)).returns.return_status(order_id, return_id)
    emit(status, as_json=as_json, view=lambda: status_table(status))


@app.command()
@async_command
async def refund(
    order_id: OrderArgument,
    return_id: ReturnArgument,
    why: Why,
    decision: Annotated[
        RefundWord | None, typer.Argument(metavar="[full|none]", help="Or --amount-minor.")
    ] = None,
    amount: Amount = None,
    as_json: Json = False,
) -> None:
    """Decide the refund; at most what was captured and not refunded yet."""
    granted = _refund(decision, amount)
    if granted is None:
        raise WrongUsage("say how much: full, none, or --amount-minor")
    await _steer(
        order_id,
        return_id,
        lambda client, actor: client.decide_refund(
            order_id, return_id, granted, actor=actor, reason=why
        ),
        as_json,
    )


@app.command()
@async_command
async def restock(
    order_id: OrderArgument,
    return_id: ReturnArgument,
    why: Why,
    decision: Annotated[
        RestockWord | None, typer.Argument(metavar="[all|none]", help="Or --line.")
    ] = None,
    lines: Lines = None,
    as_json: Json = False,
) -> None:
    """Decide what goes back into stock; at most what was returned."""
    if (decision is None) == (not lines):
        raise WrongUsage("say what goes back into stock: all, none, or --line SKU=PIECES")
    pieces: Any = decision.value if decision else _pieces(lines or [])
    await _steer(
        order_id,
        return_id,
        lambda client, actor: client.decide_restock(
            order_id, return_id, pieces, actor=actor, reason=why
        ),
        as_json,
    )


@app.command()
@async_command
async def retry(
    order_id: OrderArgument, return_id: ReturnArgument, why: Why, as_json: Json = False
) -> None:
    """Try a failed refund again, now."""
    await _steer(
        order_id,
        return_id,
        lambda client, actor: client.retry_return(order_id, return_id, actor=actor, reason=why),
        as_json,
    )


@app.command()
@async_command
async def resolve(
    order_id: OrderArgument, return_id: ReturnArgument, why: Why, as_json: Json = False
) -> None:
    """State that a failed refund was made by hand."""
    await _steer(
        order_id,
        return_id,
        lambda client, actor: client.resolve_return(order_id, return_id, actor=actor, note=why),
        as_json,
    )


async def _steer(
    order_id: OrderId,
    return_id: ReturnId,
    act: "Callable[[ReturnsClient, str], Awaitable[object]]",
    as_json: bool,
) -> None:
    async with opened() as services:
        client = (await saga_client(services)).returns
        await act(client, operator())
        status = await client.return_status(order_id, return_id)
    emit(status, as_json=as_json, view=lambda: status_table(status))
