"""`ordersaga order`: put orders together, submit, cancel and look at them, now and as they were."""

from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from domain.order.state import OrderStatus
from domain.order.unavailable import (
    CANCEL_AT_ONCE,
    DeadlineDefault,
    UnavailablePolicy,
    UnavailableTerms,
)
from domain.values import CaptureMode
from ordersaga.cli.common import (
    Cursor,
    Json,
    Limit,
    OrderArgument,
    SkuArgument,
    clock,
    moment,
    opened,
    refusals,
    saga_client,
)
from ordersaga.cli.order_terms import DeadlineHours, Default, Unavailable
from ordersaga.cli.output import emit, make_table, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from domain.order.commands import OrderCommand
    from domain.order.state import Draft, OrderState
    from domain.values import Address, Redacted
    from ordersaga.operations.orders import ShownOrder, TimelineEntry

app = typer.Typer(name="order", help="Put orders together and look at them.", no_args_is_help=True)


@app.command()
def create(
    order_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Order id; a new one if left out.")
    ] = None,
    customer: Annotated[str | None, typer.Option(help="Customer id; a guest if left out.")] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "GBP",
    as_json: Json = False,
) -> None:
    """Open a draft."""
    new = uuid4().hex[:12] if order_id is None else order_id
    run(_create(new, customer, currency, as_json))


async def _create(order_id: str, customer: str | None, currency: str, as_json: bool) -> None:
    from domain.ids import parse_customer_id, parse_order_id
    from ordersaga.operations.orders import OrdersService

    known = parse_order_id(order_id)
    buyer = None if customer is None else parse_customer_id(customer)
    async with opened() as services:
        _emit(await OrdersService.of(services).create(known, buyer, currency), as_json)


@app.command("add-item")
def add_item(
    order_id: OrderArgument,
    sku: SkuArgument,
    price: Annotated[str, typer.Option(help="Price of one piece, such as 3.39.")],
    quantity: Annotated[int, typer.Option(help="Pieces.")] = 1,
    description: Annotated[
        str | None, typer.Option(help="Product text; the SKU if left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put pieces of a product on a draft."""
    from domain.currencies import parse_amount
    from domain.ids import parse_sku
    from domain.order.commands import AddItem

    known = parse_sku(sku)

    def command(draft: "Draft") -> AddItem:
        unit_price = parse_amount(price, draft.currency, "price")
        return AddItem(known, sku if description is None else description, quantity, unit_price)

    run(_edit(order_id, command, as_json))


@app.command("remove-item")
def remove_item(order_id: OrderArgument, sku: SkuArgument, as_json: Json = False) -> None:
    """Take a product off a draft."""
    from domain.ids import parse_sku
    from domain.order.commands import RemoveItem

    wish = RemoveItem(parse_sku(sku))
    run(_edit(order_id, lambda _: wish, as_json))


@app.command("set-quantity")
def set_quantity(
    order_id: OrderArgument,
    sku: SkuArgument,
    quantity: Annotated[int, typer.Argument(help="Pieces, at least 1.")],
    as_json: Json = False,
) -> None:
    """Set the number of pieces of a product on a draft."""
    from domain.ids import parse_sku
    from domain.order.commands import ChangeQuantity

    wish = ChangeQuantity(parse_sku(sku), quantity)
    run(_edit(order_id, lambda _: wish, as_json))


@app.command("set-address")
def set_address(
    order_id: OrderArgument,
    name: Annotated[str, typer.Option(help="Who receives the parcel.")],
    line1: Annotated[str, typer.Option(help="Street and number.")],
    city: Annotated[str, typer.Option()],
    postal_code: Annotated[str, typer.Option()],
    country: Annotated[str, typer.Option(help="ISO 3166 code such as GB.")],
    line2: Annotated[str, typer.Option()] = "",
    region: Annotated[str, typer.Option()] = "",
    as_json: Json = False,
) -> None:
    """Set the delivery address of a draft."""
    from domain.order.commands import SetAddress
    from domain.values import Address

    wish = SetAddress(Address(name, line1, city, postal_code, country, line2, region))
    run(_edit(order_id, lambda _: wish, as_json))


@app.command()
def submit(
    order_id: OrderArgument,
    token: Annotated[str, typer.Option(help="The payment provider's token.")],
    capture: Annotated[CaptureMode, typer.Option(help="When the money is taken.")] = (
        CaptureMode.AUTOMATIC
    ),
    unavailable: Unavailable = UnavailablePolicy.CANCEL,
    deadline_hours: DeadlineHours = CANCEL_AT_ONCE.deadline_hours,
    default: Default = DeadlineDefault.CANCEL,
    as_json: Json = False,
) -> None:
    """Freeze a draft and hand it to fulfilment; the starter then starts its saga."""
    from domain.order.commands import SubmitOrder
    from domain.values import PaymentTerms

    terms = UnavailableTerms(unavailable, deadline_hours, default)
    wish = SubmitOrder(PaymentTerms(token, capture), terms)
    run(_edit(order_id, lambda _: wish, as_json))


async def _edit(order_id: str, command: "Callable[[Draft], OrderCommand]", as_json: bool) -> None:
    from domain.ids import parse_order_id
    from domain.order.state import Draft
    from ordersaga.operations.orders import OrdersService

    known = parse_order_id(order_id)
    async with opened() as services:
        orders = OrdersService.of(services)
        state = await orders.state(known)
        if not isinstance(state, Draft):
            raise _frozen(state)
        _emit(await orders.tell(known, command(state)), as_json)


def _frozen(state: "OrderState") -> Exception:
    from domain.errors import RuleBroken
    from domain.order.state import status_of

    return RuleBroken("order_is_frozen", f"the order is {status_of(state)}: its content is frozen")


@app.command()
def cancel(
    order_id: OrderArgument,
    reason: Annotated[
        str, typer.Option(help="Why; stands in the audit trail.")
    ] = "cancelled by hand",
    by_operator: Annotated[
        bool, typer.Option("--by-operator", help="Our wish, not the customer's.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until everything is undone.")] = False,
    as_json: Json = False,
) -> None:
    """Cancel an order: a draft at once, a submitted one by its saga, which undoes what was done."""
    run(_cancel(order_id, reason, by_operator, wait, as_json))


async def _cancel(order_id: str, reason: str, by_operator: bool, wait: bool, as_json: bool) -> None:
    from domain.ids import parse_order_id
    from domain.order.state import Draft
    from ordersaga.operations.orders import OrdersService, operator

    known = parse_order_id(order_id)
    async with opened() as services:
        orders = OrdersService.of(services)
        if isinstance(await orders.state(known), Draft):
            _emit(await orders.cancel_draft(known, reason), as_json)
            return
        client = await saga_client(services)
        wish = "operator" if by_operator else "customer"
        await client.cancel(known, actor=operator(), reason=reason, requested_by=wish)
        if wait:
            await client.result(known)
        _emit(await orders.show(known), as_json)


@app.command()
def show(
    order_id: OrderArgument,
    at: Annotated[
        str | None, typer.Option(help="As it was then: 14:05, or ISO 8601; UTC unless it says so.")
    ] = None,
    at_version: Annotated[
        int | None,
        typer.Option(min=1, max=2**31 - 1, help="With the first N events of its stream."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show an order, now or as it was."""
    run(_show(order_id, at, at_version, as_json))


async def _show(order_id: str, at: str | None, at_version: int | None, as_json: bool) -> None:
    from domain.ids import parse_order_id
    from ordersaga.operations.orders import OrdersService

    known, then = parse_order_id(order_id), moment(at) if at is not None else None
    async with opened() as services:
        orders = OrdersService.of(services)
        _emit(await orders.show(known, at=then, at_version=at_version), as_json)


@app.command()
def history(
    order_id: OrderArgument,
    until: Annotated[str | None, typer.Option(help="Leave out what came after this time.")] = None,
    as_json: Json = False,
) -> None:
    """Print everything that happened to an order, from the event store itself."""
    run(_history(order_id, until, as_json))


async def _history(order_id: str, until: str | None, as_json: bool) -> None:
    from domain.ids import parse_order_id
    from ordersaga.operations.orders import OrdersService

    known, then = parse_order_id(order_id), moment(until) if until is not None else None
    async with opened() as services:
        entries = await OrdersService.of(services).timeline(known, until=then)
    emit(entries, as_json=as_json, view=lambda: timeline_table(entries))


@app.command("list")
def list_(
    status: Annotated[OrderStatus | None, typer.Option(help="Only these.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List orders, the latest placed first (from the read model)."""
    run(_list(status, limit, cursor, as_json))


async def _list(status: OrderStatus | None, limit: int, cursor: str | None, as_json: bool) -> None:
    from ordersaga.cli.read_models import emit_orders
    from projections.read_models.current_orders.model import OrderFilter, list_orders

    wanted = OrderFilter(status=status.value if status else None)
    async with opened() as services:
        with refusals():
            page = await list_orders(services.pool, wanted, limit=limit, cursor=cursor)
    emit_orders(page, as_json)


# --- views ---------------------------------------------------------------------------------------


def _emit(order: "ShownOrder", as_json: bool) -> None:
    emit(order, as_json=as_json, view=lambda: order_view(order))


def order_view(order: "ShownOrder") -> "RenderableType":
    """An order for people."""
    from rich.console import Group

    facts = make_table(("order", order.order_id), _facts(order))
    lines = make_table(
        ("SKU", "description", "pieces>", "price>", "amount>"),
        (
            (line.sku, line.description, line.quantity, line.unit_price, line.amount)
            for line in order.lines
        ),
    )
    return Group(facts, lines)


def _facts(order: "ShownOrder") -> "Sequence[tuple[str, object]]":
    facts: Sequence[tuple[str, object]] = (
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
    return [fact for fact in facts if fact[1]]


def _address_line(address: "Address | Redacted | None") -> str | None:
    from domain.values import Redacted

    if address is None:
        return None
    if isinstance(address, Redacted):
        return f"[{address.redacted}]"
    street = (address.name, address.line1, address.line2)
    place = (address.postal_code, address.city, address.region, address.country)
    return ", ".join(part for part in (*street, *place) if part)


def timeline_table(
    entries: "Sequence[TimelineEntry]", title: str | None = None
) -> "RenderableType":
    """The timeline of an order for people."""
    return make_table(
        ("when (UTC)", "stream", "version>", "event", "what", "who"),
        (
            (clock(e.recorded_at), e.stream, e.version, e.event_type, e.what, e.actor)
            for e in entries
        ),
        title=title,
    )
