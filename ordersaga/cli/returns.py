"""`ordersaga return`: returned goods and refunds of completed orders."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from domain.ids import ReturnId, parse_return_id
from ordersaga.cli.answers import Answer, CommandGroup, page_answer
from ordersaga.cli.common import (
    Cursor,
    Limit,
    NeedsAttention,
    OrderArgument,
    Services,
    Why,
    opened,
    saga_client,
    text_option,
)
from ordersaga.cli.parcels import status_answer
from ordersaga.display.tables import Columns, money
from ordersaga.errors import WrongUsage
from ordersaga.operations.actor import operator
from projections.read_models.returns.model import list_returns

app = CommandGroup("return", "Take goods back and refund money.")

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
    typer.Option("--line", metavar="LINE=PIECES", help="Pieces of a line; may be repeated."),
]
Amount = Annotated[
    int | None, typer.Option("--amount-minor", min=1, help="Refund this many minor units (pence).")
]

_COLUMNS: Final = Columns(
    "order_id: order, return_id: return, kind, pieces>, refund, amount>, restock, "
    "opened_at: opened (UTC), closed_at: closed (UTC), waiting_for: waits for",
    amount=lambda x: money(x.refund_minor, x.currency) if x.refund_minor and x.currency else "",
)


class RefundWord(StrEnum):
    """A refund that needs no amount."""

    FULL = "full"
    NONE = "none"


class RestockWord(StrEnum):
    """A restock that needs no lines."""

    ALL = "all"
    NONE = "none"


@app.answer("open")
async def open_(
    order_id: OrderArgument,
    return_id: ReturnArgument,
    why: Why,
    lines: Lines = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="All lines that are in no other return, services included."),
    ] = False,
    refund: Annotated[
        RefundWord | None, typer.Option(help="Decide the refund immediately.")
    ] = None,
    amount: Amount = None,
    restock: Annotated[
        RestockWord | None, typer.Option(help="Decide the restock immediately.")
    ] = None,
) -> Answer:
    """Open a return of a part of an order; opening the same one again changes nothing."""
    if bool(lines) == everything:
        raise WrongUsage("say what is returned: --line LINE=PIECES, or --all")
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
    from workflows.documents.returns import parse_return  # noqa: PLC0415  loads Temporal

    parse_return(document)  # what is wrong is told also while Temporal does not answer
    async with opened() as services:
        returns = (await saga_client(services)).returns
        await returns.open(document)
        return status_answer(await returns.status(order_id, return_id))


def _pieces(lines: Sequence[str]) -> list[dict[str, Any]]:
    return [_piece(line) for line in lines]


def _piece(line: str) -> dict[str, Any]:
    line_id, equals, pieces = line.rpartition("=")
    if not equals or not pieces.isdecimal():
        raise WrongUsage(f"{line!r} is not LINE=PIECES, such as 1=2")
    return {"line_id": line_id, "quantity": int(pieces)}


def _refund(word: RefundWord | None, amount: int | None) -> Any:
    if word and amount is not None:
        raise WrongUsage("either --amount-minor, or full or none")
    if amount is not None:
        return {"amount_minor": amount}
    return word.value if word else None


@app.answer("list")
async def list_(
    services: Services,
    order: Annotated[str | None, text_option("Only this order.")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only open ones.")] = False,
    needs_attention: NeedsAttention = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer:
    """List returns from the read model, most recently changed first."""
    page = await list_returns(
        services.pool,
        order_id=order,
        open_only=open_only,
        needs_attention=needs_attention or None,
        limit=limit,
        cursor=cursor,
    )
    return page_answer(page, _COLUMNS)


@app.answer()
async def show(services: Services, order_id: OrderArgument, return_id: ReturnArgument) -> Answer:
    """Show the state of a return, from its workflow."""
    returns = (await saga_client(services)).returns
    return status_answer(await returns.status(order_id, return_id))


@app.answer()
async def refund(
    order_id: OrderArgument,
    return_id: ReturnArgument,
    why: Why,
    decision: Annotated[
        RefundWord | None, typer.Argument(metavar="[full|none]", help="Or --amount-minor.")
    ] = None,
    amount: Amount = None,
) -> Answer:
    """Decide the refund; at most what was captured and not refunded yet."""
    granted = _refund(decision, amount)
    if granted is None:
        raise WrongUsage("say how much: full, none, or --amount-minor")
    async with opened() as services:
        returns = (await saga_client(services)).returns
        await returns.refund(order_id, return_id, granted, actor=operator(), reason=why)
        return status_answer(await returns.status(order_id, return_id))


@app.answer()
async def restock(
    order_id: OrderArgument,
    return_id: ReturnArgument,
    why: Why,
    decision: Annotated[
        RestockWord | None, typer.Argument(metavar="[all|none]", help="Or --line.")
    ] = None,
    lines: Lines = None,
) -> Answer:
    """Decide what goes back into stock; at most what was returned."""
    if (decision is None) == (not lines):
        raise WrongUsage("say what goes back into stock: all, none, or --line LINE=PIECES")
    pieces: Any = decision.value if decision else _pieces(lines or [])
    async with opened() as services:
        returns = (await saga_client(services)).returns
        await returns.restock(order_id, return_id, pieces, actor=operator(), reason=why)
        return status_answer(await returns.status(order_id, return_id))


@app.answer()
async def retry(
    services: Services, order_id: OrderArgument, return_id: ReturnArgument, why: Why
) -> Answer:
    """Try a failed refund again, now."""
    returns = (await saga_client(services)).returns
    await returns.retry(order_id, return_id, actor=operator(), reason=why)
    return status_answer(await returns.status(order_id, return_id))


@app.answer()
async def resolve(
    services: Services, order_id: OrderArgument, return_id: ReturnArgument, why: Why
) -> Answer:
    """State that a failed refund was made by hand."""
    returns = (await saga_client(services)).returns
    await returns.resolve(order_id, return_id, actor=operator(), note=why)
    return status_answer(await returns.status(order_id, return_id))
