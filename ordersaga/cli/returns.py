"""`ordersaga return`: goods and money of completed orders that go back."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ordersaga.cli.common import (
    Cursor,
    Json,
    Limit,
    OrderArgument,
    clock,
    money,
    opened,
    refusals,
    saga_client,
    storable,
)
from ordersaga.cli.output import emit, make_table, note, run
from ordersaga.cli.parcels import facts
from ordersaga.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from rich.console import RenderableType

    from ordersaga.client.orders import OrderSagaClient
    from projections.read_models.returns.model import ReturnRow

app = typer.Typer(name="return", help="Take goods back, and give money back.", no_args_is_help=True)

ReturnArgument = Annotated[
    str, typer.Argument(metavar="RETURN", help="Return id: letters, digits, dots, underscores.")
]
Lines = Annotated[
    list[str] | None, typer.Option("--line", metavar="SKU=PIECES", help="What; may be repeated.")
]
Why = Annotated[str, typer.Option("--reason", "--note", help="Why; stands in the audit trail.")]
Amount = Annotated[
    int | None,
    typer.Option("--amount-minor", min=1, help="Give back so many minor units (pence)."),
]


class RefundWord(StrEnum):
    """A refund in a word."""

    FULL = "full"
    NONE = "none"


class RestockWord(StrEnum):
    """A restock in a word."""

    ALL = "all"
    NONE = "none"


@app.command("open")
def open_(
    order_id: OrderArgument,
    return_id: ReturnArgument,
    why: Why,
    lines: Lines = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All pieces that are in no other return.")
    ] = False,
    refund: Annotated[
        RefundWord | None, typer.Option(help="Decide about the money at once.")
    ] = None,
    amount: Amount = None,
    restock: Annotated[
        RestockWord | None, typer.Option(help="Decide about the goods at once.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Open a return of a part of an order; the same one again changes nothing."""
    if bool(lines) == everything:
        raise WrongUsage("say what comes back: --line SKU=PIECES, or --all")
    document: dict[str, Any] = {
        "order_id": order_id,
        "return_id": return_id,
        "lines": "all" if everything else _pieces(lines or []),
        "reason": why,
    }
    if (money_back := _refund(refund, amount)) is not None:
        document["refund"] = money_back
    if restock:
        document["restock"] = restock.value
    run(_open(document, as_json))


async def _open(document: dict[str, Any], as_json: bool) -> None:
    from ordersaga.client.returns import checked_return
    from ordersaga.operations.orders import operator

    given = checked_return({**document, "actor": operator()})
    async with opened() as services:
        client = await saga_client(services)
        await client.open_return(given)
        status = await client.until_opened(given.order_id, given.return_id)
    emit(status, as_json=as_json, view=lambda: facts(status))


def _pieces(lines: "Sequence[str]") -> list[dict[str, Any]]:
    return [_piece(line) for line in lines]


def _piece(line: str) -> dict[str, Any]:
    sku, equals, pieces = line.rpartition("=")
    if not equals or not pieces.isdecimal():
        raise WrongUsage(f"{line!r} is not SKU=PIECES, such as LAMP-1=2")
    return {"sku": sku, "quantity": int(pieces)}


def _refund(word: RefundWord | None, amount: int | None) -> str | dict[str, int] | None:
    if word and amount is not None:
        raise WrongUsage("either --amount-minor, or full or none")
    if amount is not None:
        return {"amount_minor": amount}
    return word.value if word else None


@app.command("list")
def list_(
    order: Annotated[str | None, typer.Option(help="Only of this order.")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
    needs_attention: Annotated[
        bool, typer.Option("--needs-attention", help="Only those that need a person.")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List returns from the read model, the latest changed first."""
    wanted = storable(order, "--order")
    run(_list(wanted, open_only, needs_attention, limit, cursor, as_json))


async def _list(
    order_id: str | None,
    open_only: bool,
    needs_attention: bool,
    limit: int,
    cursor: str | None,
    as_json: bool,
) -> None:
    from projections.read_models.returns.model import list_returns

    async with opened() as services:
        with refusals():
            found = await list_returns(
                services.pool,
                order_id=order_id,
                open_only=open_only,
                needs_attention=True if needs_attention else None,
                limit=limit,
                cursor=cursor,
            )
    emit(found, as_json=as_json, view=lambda: _table(found.items))
    if found.next_cursor and not as_json:
        note(f"there is more: --cursor {found.next_cursor}")


def _table(returns: "Sequence[ReturnRow]") -> "RenderableType":
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
def show(order_id: OrderArgument, return_id: ReturnArgument, as_json: Json = False) -> None:
    """Show a return as its workflow sees it."""
    run(_show(order_id, return_id, as_json))


async def _show(order_id: str, return_id: str, as_json: bool) -> None:
    _check(order_id, return_id)
    async with opened() as services:
        status = await (await saga_client(services)).return_status(order_id, return_id)
    emit(status, as_json=as_json, view=lambda: facts(status))


@app.command()
def refund(
    order_id: OrderArgument,
    return_id: ReturnArgument,
    why: Why,
    decision: Annotated[
        RefundWord | None, typer.Argument(metavar="[full|none]", help="Or --amount-minor.")
    ] = None,
    amount: Amount = None,
    as_json: Json = False,
) -> None:
    """Decide what money goes back; never more than is left of what was captured."""
    wanted = _refund(decision, amount)
    if wanted is None:
        raise WrongUsage("say how much: full, none, or --amount-minor")

    async def act(client: "OrderSagaClient", actor: str) -> None:
        await client.decide_refund(
            order_id,
            return_id,
            wanted,  # type: ignore[arg-type]  # the words of the enumeration are those of the literal
            actor=actor,
            reason=why,
        )

    run(_steer(order_id, return_id, act, as_json))


@app.command()
def restock(
    order_id: OrderArgument,
    return_id: ReturnArgument,
    why: Why,
    decision: Annotated[
        RestockWord | None, typer.Argument(metavar="[all|none]", help="Or --line.")
    ] = None,
    lines: Lines = None,
    as_json: Json = False,
) -> None:
    """Decide what goes back into stock; never more than came back."""
    if (decision is None) == (not lines):
        raise WrongUsage("say what goes back: all, none, or --line SKU=PIECES")
    wanted: Any = decision.value if decision else _pieces(lines or [])

    async def act(client: "OrderSagaClient", actor: str) -> None:
        await client.decide_restock(order_id, return_id, wanted, actor=actor, reason=why)

    run(_steer(order_id, return_id, act, as_json))


@app.command()
def retry(
    order_id: OrderArgument, return_id: ReturnArgument, why: Why, as_json: Json = False
) -> None:
    """Try a refund that failed again, now."""

    async def act(client: "OrderSagaClient", actor: str) -> None:
        await client.retry_return(order_id, return_id, actor=actor, reason=why)

    run(_steer(order_id, return_id, act, as_json))


@app.command()
def resolve(
    order_id: OrderArgument, return_id: ReturnArgument, why: Why, as_json: Json = False
) -> None:
    """Say that a refund that failed was made by hand."""

    async def act(client: "OrderSagaClient", actor: str) -> None:
        await client.resolve_return(order_id, return_id, actor=actor, note=why)

    run(_steer(order_id, return_id, act, as_json))


def _check(order_id: str, return_id: str) -> None:
    """Refuse what is no id before anything is connected."""
    from domain.ids import parse_order_id, parse_return_id

    parse_order_id(order_id)
    parse_return_id(return_id)


async def _steer(
    order_id: str,
    return_id: str,
    act: "Callable[[OrderSagaClient, str], Awaitable[None]]",
    as_json: bool,
) -> None:
    from ordersaga.operations.orders import operator

    _check(order_id, return_id)
    async with opened() as services:
        client = await saga_client(services)
        await act(client, operator())
        status: Mapping[str, Any] = await client.return_status(order_id, return_id)
    emit(status, as_json=as_json, view=lambda: facts(status))
