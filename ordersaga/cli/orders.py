"""`ordersaga order`: create, submit and cancel orders; show them now and as they were."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final
from uuid import uuid4

import typer
from rich.console import Group, RenderableType

from domain.errors import RuleBroken
from domain.ids import CustomerId, OrderId, parse_customer_id, parse_order_id
from domain.money import parse_amount
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
from ordersaga.cli.answers import Answer, CommandGroup
from ordersaga.cli.common import (
    AddressPart,
    Country,
    Cursor,
    Limit,
    NeedsAttention,
    OrderArgument,
    PostalCode,
    Recipient,
    Services,
    SkuArgument,
    Street,
    orders_service,
    saga_client,
    time_option,
)
from ordersaga.display.tables import Columns, clock, make_table
from ordersaga.display.timeline import TIMELINE
from ordersaga.operations.actor import operator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ordersaga.operations.orders import ShownOrder

app = CommandGroup("order", "Create, submit, cancel and show orders.")

_LINES: Final = Columns("sku: SKU, description, quantity: pieces>, unit_price: price>, amount>")


# --- drafts --------------------------------------------------------------------------------------


@app.answer()
async def create(
    services: Services,
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
) -> Answer:
    """Create a draft."""
    new_id = order_id or parse_order_id(uuid4().hex[:12])
    return _answer(await orders_service(services).create(new_id, customer, currency))


@app.answer()
async def add_item(
    services: Services,
    order_id: OrderArgument,
    sku: SkuArgument,
    price: Annotated[str, typer.Option(help="Price of one piece, such as 3.39.")],
    quantity: Annotated[int, typer.Option(help="Number of pieces.")] = 1,
    description: Annotated[
        str | None, typer.Option(help="Description of the product; default: the SKU.")
    ] = None,
) -> Answer:
    """Add pieces of a product to a draft."""

    def command(draft: Draft) -> AddItem:
        unit_price = parse_amount(price, draft.currency, "price")
        return AddItem(sku, sku if description is None else description, quantity, unit_price)

    return await _edit(services, order_id, command)


@app.answer()
async def remove_item(services: Services, order_id: OrderArgument, sku: SkuArgument) -> Answer:
    """Remove a product from a draft."""
    return await _edit(services, order_id, lambda _: RemoveItem(sku))


@app.answer()
async def set_quantity(
    services: Services,
    order_id: OrderArgument,
    sku: SkuArgument,
    quantity: Annotated[int, typer.Argument(help="Number of pieces, at least 1.")],
) -> Answer:
    """Set the quantity of a product on a draft."""
    return await _edit(services, order_id, lambda _: ChangeQuantity(sku, quantity))


@app.answer()
async def set_address(
    services: Services,
    order_id: OrderArgument,
    name: Recipient,
    line1: Street,
    city: AddressPart,
    country: Country,
    postal_code: PostalCode = "",
    line2: AddressPart = "",
    region: AddressPart = "",
) -> Answer:
    """Set the delivery address of a draft."""
    address = Address(name, line1, city, postal_code, country, line2, region)
    return await _edit(services, order_id, lambda _: SetAddress(address))


@app.answer()
async def submit(
    services: Services,
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
) -> Answer:
    """Freeze a draft and hand it over to fulfilment; the starter then starts its saga."""
    terms = UnavailableTerms(unavailable, deadline_hours, default)
    command = SubmitOrder(PaymentTerms(token, capture), terms)
    return await _edit(services, order_id, lambda _: command)


async def _edit(
    services: Services, order_id: OrderId, command: "Callable[[Draft], OrderCommand]"
) -> Answer:
    orders = orders_service(services)
    state = await orders.state(order_id)
    if not isinstance(state, Draft):
        raise _frozen(state)
    return _answer(await orders.execute(order_id, command(state)))


def _frozen(state: OrderState) -> Exception:
    return RuleBroken("order_is_frozen", f"the order is {status_of(state)}: its content is frozen")


# --- every order ---------------------------------------------------------------------------------


@app.answer()
async def cancel(
    services: Services,
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
) -> Answer:
    """Cancel an order: a draft immediately, a submitted one by its saga, which undoes its steps.

    An order whose saga is gone is cancelled as well: if something was done for it, a new saga
    starts and undoes it.
    """
    orders = orders_service(services)
    if isinstance(await orders.state(order_id), Draft):
        return _answer(await orders.cancel_draft(order_id, reason))
    from ordersaga.operations.cancellation import CancelRequest, cancel_order  # noqa: PLC0415  loads Temporal

    request = CancelRequest(operator(), reason, by_customer=not by_operator)
    remark = await cancel_order(services, order_id, request)
    if wait:
        await (await saga_client(services)).result(order_id)
    return _answer(await orders.show(order_id))._replace(remarks=[remark])


@app.answer()
async def show(
    services: Services,
    order_id: OrderArgument,
    at: Annotated[
        datetime | None,
        time_option("As it was at this time: 14:05, or ISO 8601; UTC unless it has a zone."),
    ] = None,
    at_version: Annotated[
        int | None,
        typer.Option(min=1, max=2**31 - 1, help="As it was after the first N events."),
    ] = None,
) -> Answer:
    """Show an order, now or as it was."""
    return _answer(await orders_service(services).show(order_id, at=at, at_version=at_version))


@app.answer()
async def history(
    services: Services,
    order_id: OrderArgument,
    until: Annotated[datetime | None, time_option("Omit events after this time.")] = None,
) -> Answer:
    """Print everything that happened to an order, from the event store."""
    entries = await orders_service(services).timeline(order_id, until=until)
    return Answer(entries, lambda: TIMELINE.table(entries))


@app.answer("list")
async def list_(
    services: Services,
    status: Annotated[OrderStatus | None, typer.Option(help="Only this status.")] = None,
    needs_attention: NeedsAttention = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer:
    """List orders from the read model, most recently placed first."""
    from ordersaga.cli import read_models  # noqa: PLC0415  asyncpg, for `list` alone

    return await read_models.orders_in_status(services, status, needs_attention, limit, cursor)


# --- views ---------------------------------------------------------------------------------------


def _answer(order: "ShownOrder") -> Answer:
    return Answer(order, lambda: _view(order))


def _view(order: "ShownOrder") -> RenderableType:
    properties = make_table(("order", order.order_id), _properties(order))
    return Group(properties, _LINES.table(order.lines))


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
