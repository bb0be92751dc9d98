"""`ordersaga order`: create, submit and cancel orders; show them now and as they were."""

from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer
from rich.console import Group, RenderableType

from domain.currencies import parse_amount
from domain.errors import RuleBroken
from domain.ids import CustomerId, OrderId, parse_customer_id, parse_order_id
from domain.order.commands import (
    AddItem,
    ChangeQuantity,
    OrderCommand,
    RemoveItem,
    SetAddress,
    SubmitOrder,
)
from domain.order.state import Draft, OrderState, OrderStatus, status_of
from domain.order.unavailable import (
    CANCEL_AT_ONCE,
    MAX_DEADLINE_HOURS,
    DeadlineDefault,
    UnavailablePolicy,
    UnavailableTerms,
)
from domain.values import Address, CaptureMode, PaymentTerms, Redacted
from ordersaga.cli.common import (
    Cursor,
    Json,
    Limit,
    OrderArgument,
    SkuArgument,
    group,
    opened,
    optional_moment,
    orders_service,
    saga_client,
)
from ordersaga.cli.output import async_command, emit
from ordersaga.display.tables import clock, make_table
from ordersaga.display.timeline import timeline_table
from ordersaga.operations.actor import operator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ordersaga.operations.orders import ShownOrder

app = group("order", "Create, submit, cancel and show orders.")


# --- drafts --------------------------------------------------------------------------------------


@app.command()
@async_command
async def create(
    order_id: Annotated[
        OrderId | None,
        typer.Argument(metavar="[ID]", help="Order id; default: a new one.", parser=parse_order_id),
    ] = None,
    customer: Annotated[
        CustomerId | None,
        typer.Option(
            metavar="TEXT", help="Customer id; default: a guest.", parser=parse_customer_id
        ),
    ] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "GBP",
    as_json: Json = False,
) -> None:
    """Create a draft."""
    new_id = order_id or parse_order_id(uuid4().hex[:12])
    async with opened() as services:
        _emit(await orders_service(services).create(new_id, customer, currency), as_json)


@app.command()
@async_command
async def add_item(
    order_id: OrderArgument,
    sku: SkuArgument,
    price: Annotated[str, typer.Option(help="Price of one piece, such as 3.39.")],
    quantity: Annotated[int, typer.Option(help="Number of pieces.")] = 1,
    description: Annotated[
        str | None, typer.Option(help="Description of the product; default: the SKU.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Add pieces of a product to a draft."""

    def command(draft: Draft) -> AddItem:
        unit_price = parse_amount(price, draft.currency, "price")
        return AddItem(sku, sku if description is None else description, quantity, unit_price)

    await _edit(order_id, command, as_json)


@app.command()
@async_command
async def remove_item(order_id: OrderArgument, sku: SkuArgument, as_json: Json = False) -> None:
    """Remove a product from a draft."""
    await _edit(order_id, lambda _: RemoveItem(sku), as_json)


@app.command()
@async_command
async def set_quantity(
    order_id: OrderArgument,
    sku: SkuArgument,
    quantity: Annotated[int, typer.Argument(help="Number of pieces, at least 1.")],
    as_json: Json = False,
) -> None:
    """Set the quantity of a product on a draft."""
    await _edit(order_id, lambda _: ChangeQuantity(sku, quantity), as_json)


@app.command()
@async_command
async def set_address(
    order_id: OrderArgument,
    name: Annotated[str, typer.Option(help="Recipient.")],
    line1: Annotated[str, typer.Option(help="Street and number.")],
    city: Annotated[str, typer.Option()],
    postal_code: Annotated[str, typer.Option()],
    country: Annotated[str, typer.Option(help="ISO 3166 code such as GB.")],
    line2: Annotated[str, typer.Option()] = "",
    region: Annotated[str, typer.Option()] = "",
    as_json: Json = False,
) -> None:
    """Set the delivery address of a draft."""
    address = Address(name, line1, city, postal_code, country, line2, region)
    await _edit(order_id, lambda _: SetAddress(address), as_json)


@app.command()
@async_command
async def submit(
    order_id: OrderArgument,
    token: Annotated[str, typer.Option(help="The payment provider's token.")],
    capture: Annotated[CaptureMode, typer.Option(help="When the payment is captured.")] = (
        CaptureMode.AUTOMATIC
    ),
    unavailable: Annotated[
        UnavailablePolicy, typer.Option(help="What to do if items are unavailable.")
    ] = UnavailablePolicy.CANCEL,
    deadline_hours: Annotated[
        int,
        typer.Option(min=1, max=MAX_DEADLINE_HOURS, help="How long the order waits for them."),
    ] = CANCEL_AT_ONCE.deadline_hours,
    default: Annotated[
        DeadlineDefault, typer.Option(help="What to do when that time has passed.")
    ] = DeadlineDefault.CANCEL,
    as_json: Json = False,
) -> None:
    """Freeze a draft and hand it over to fulfilment; the starter then starts its saga."""
    terms = UnavailableTerms(unavailable, deadline_hours, default)
    command = SubmitOrder(PaymentTerms(token, capture), terms)
    await _edit(order_id, lambda _: command, as_json)


async def _edit(
    order_id: OrderId, command: "Callable[[Draft], OrderCommand]", as_json: bool
) -> None:
    async with opened() as services:
        orders = orders_service(services)
        state = await orders.state(order_id)
        if not isinstance(state, Draft):
            raise _frozen(state)
        _emit(await orders.execute(order_id, command(state)), as_json)


def _frozen(state: OrderState) -> Exception:
    return RuleBroken("order_is_frozen", f"the order is {status_of(state)}: its content is frozen")


# --- every order ---------------------------------------------------------------------------------


@app.command()
@async_command
async def cancel(
    order_id: OrderArgument,
    reason: Annotated[
        str, typer.Option(help="The reason, for the audit trail.")
    ] = "cancelled by hand",
    by_operator: Annotated[
        bool, typer.Option("--by-operator", help="Cancelled by an operator, not the customer.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until everything has been undone.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Cancel an order: a draft immediately, a submitted one by its saga, which undoes its steps."""
    async with opened() as services:
        orders = orders_service(services)
        if isinstance(await orders.state(order_id), Draft):
            _emit(await orders.cancel_draft(order_id, reason), as_json)
            return
        client = await saga_client(services)
        requester = "operator" if by_operator else "customer"
        await client.cancel(order_id, actor=operator(), reason=reason, requested_by=requester)
        if wait:
            await client.result(order_id)
        _emit(await orders.show(order_id), as_json)


@app.command()
@async_command
async def show(
    order_id: OrderArgument,
    at: Annotated[
        str | None,
        typer.Option(help="As it was at this time: 14:05, or ISO 8601; UTC unless it has a zone."),
    ] = None,
    at_version: Annotated[
        int | None,
        typer.Option(min=1, max=2**31 - 1, help="As it was after the first N events."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show an order, now or as it was."""
    then = optional_moment(at)
    async with opened() as services:
        orders = orders_service(services)
        _emit(await orders.show(order_id, at=then, at_version=at_version), as_json)


@app.command()
@async_command
async def history(
    order_id: OrderArgument,
    until: Annotated[str | None, typer.Option(help="Omit events after this time.")] = None,
    as_json: Json = False,
) -> None:
    """Print everything that happened to an order, from the event store."""
    last = optional_moment(until)
    async with opened() as services:
        entries = await orders_service(services).timeline(order_id, until=last)
    emit(entries, as_json=as_json, view=lambda: timeline_table(entries))


@app.command("list")
@async_command
async def list_(
    status: Annotated[OrderStatus | None, typer.Option(help="Only this status.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List orders from the read model, most recently placed first."""
    from ordersaga.cli import read_models  # noqa: PLC0415  asyncpg, for `list` alone

    await read_models.list_current_orders(status, limit, cursor, as_json)


# --- views ---------------------------------------------------------------------------------------


def _emit(order: "ShownOrder", as_json: bool) -> None:
    emit(order, as_json=as_json, view=lambda: order_view(order))


def order_view(order: "ShownOrder") -> RenderableType:
    """An order for people."""
    properties = make_table(("order", order.order_id), _properties(order))
    lines = make_table(
        ("SKU", "description", "pieces>", "price>", "amount>"),
        (
            (line.sku, line.description, line.quantity, line.unit_price, line.amount)
            for line in order.lines
        ),
    )
    return Group(properties, lines)


def _properties(order: "ShownOrder") -> "Sequence[tuple[str, object]]":
    properties: Sequence[tuple[str, object]] = (
        ("status", order.status),
        ("total", order.total),
        ("customer", order.customer_id or "guest"),
        ("address", _address_line(order.address)),
        ("placed at", clock(order.placed_at)),
        ("capture", order.capture),
        ("payment", order.payment_reference),
        ("tracking number", order.tracking_number),
        ("reason", order.reason),
        ("detail", order.detail),
        ("version", f"{order.version}, recorded {clock(order.as_of)}"),
    )
    return [(name, value) for name, value in properties if value]


def _address_line(address: Address | Redacted | None) -> str | None:
    if address is None:
        return None
    if isinstance(address, Redacted):
        return f"[{address.redacted}]"
    street = (address.name, address.line1, address.line2)
    place = (address.postal_code, address.city, address.region, address.country)
    return ", ".join(part for part in (*street, *place) if part)
