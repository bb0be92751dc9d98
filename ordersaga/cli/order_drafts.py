"""`ordersaga order`: create, edit and submit drafts."""

from collections.abc import Callable, Iterable
from typing import Annotated, Final
from uuid import uuid4

import typer

from domain.errors import RuleBroken
from domain.fields import MAX_PAY_WITHIN_HOURS, parse_reference
from domain.ids import (
    CustomerId,
    LineId,
    OrderId,
    Sku,
    order_id_of,
    parse_customer_id,
    parse_line_id,
    parse_order_id,
    parse_sku,
)
from domain.lines import LOWERING, Adjustment, AdjustmentKind, LineKind
from domain.money import parse_amount
from domain.order.commands import (
    AddItem,
    ChangeQuantity,
    OrderCommand,
    RemoveItem,
    SetAddress,
    SetAdjustments,
    SubmitOrder,
)
from domain.order.state import Draft, status_of
from domain.order.terms import (
    CANCEL_AT_ONCE,
    MAX_DEADLINE_HOURS,
    DeadlineDefault,
    UnavailablePolicy,
    UnavailableTerms,
)
from domain.values import (
    CANCEL_IF_DECLINED,
    Address,
    CaptureMode,
    Contact,
    DeclinePolicy,
    DeclineTerms,
    PaymentTerms,
)
from ordersaga.cli.answers import Answer, answering
from ordersaga.cli.common import (
    AddressPart,
    Country,
    OrderArgument,
    PostalCode,
    Recipient,
    Services,
    SkuArgument,
    Street,
    orders_service,
)
from ordersaga.cli.order_views import order_answer
from ordersaga.errors import WrongUsage

LineArgument = Annotated[
    LineId, typer.Argument(metavar="LINE", help="Id of the line.", parser=parse_line_id)
]
Price = Annotated[str, typer.Option(help="Price of one piece, such as 3.39; 0: free.")]
NewLine = Annotated[
    LineId | None,
    typer.Option(
        "--line",
        metavar="LINE",
        help="Id of the new line; default: more of the same add up, and a new line gets its "
        "number.",
        parser=parse_line_id,
    ),
]
Quantity = Annotated[int, typer.Option(help="Number of pieces.")]
_SERVICES: Final = ", ".join(kind.value for kind in LineKind if kind is not LineKind.GOODS)


@answering
async def create(
    services: Services,
    order_id: Annotated[
        OrderId | None,
        typer.Argument(
            metavar="[ID]",
            help="Order id; default: that of the reference, or a new one.",
            parser=parse_order_id,
        ),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="The shop's own number of the order, any text.")
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
    derived = None if reference is None else order_id_of(parse_reference(reference, "reference"))
    new_id = order_id or derived or parse_order_id(uuid4().hex[:12])
    orders = orders_service(services)
    return order_answer(await orders.create(new_id, customer, currency, reference))


@answering
async def id_(
    reference: Annotated[str, typer.Argument(help="The shop's own number of the order.")],
) -> Answer:
    """Print the order id that is made from a reference if a document gives none."""
    order_id = order_id_of(parse_reference(reference, "reference"))
    return Answer({"order_id": order_id}, order_id)


@answering
async def add_item(
    services: Services,
    order_id: OrderArgument,
    sku: SkuArgument,
    price: Price,
    quantity: Quantity = 1,
    description: Annotated[
        str | None, typer.Option(help="Description of the product; default: the SKU.")
    ] = None,
    line: NewLine = None,
) -> Answer:
    """Add pieces of a product to a draft."""

    def command(draft: Draft) -> AddItem:
        unit_price = parse_amount(price, draft.currency, "price")
        text = sku if description is None else description
        return AddItem(sku, text, quantity, unit_price, line_id=line)

    return await _edit(services, order_id, command)


@answering
async def add_service(
    services: Services,
    order_id: OrderArgument,
    kind: Annotated[
        LineKind, typer.Argument(metavar="KIND", help=f"One of {_SERVICES}.", show_choices=False)
    ],
    price: Price,
    quantity: Quantity = 1,
    description: Annotated[
        str | None, typer.Option(help="Description of the service; default: its kind.")
    ] = None,
    sku: Annotated[
        Sku | None,
        typer.Option(metavar="SKU", help="What the shop calls the service.", parser=parse_sku),
    ] = None,
    line: NewLine = None,
) -> Answer:
    """Add something that takes no stock and is not shipped to a draft, such as shipping costs."""
    if kind is LineKind.GOODS:
        raise WrongUsage("goods are added with: ordersaga order add-item")

    def command(draft: Draft) -> AddItem:
        unit_price = parse_amount(price, draft.currency, "price")
        text = kind.value.replace("_", " ") if description is None else description
        return AddItem(sku, text, quantity, unit_price, kind, line_id=line)

    return await _edit(services, order_id, command)


@answering
async def remove_item(services: Services, order_id: OrderArgument, line_id: LineArgument) -> Answer:
    """Remove a line from a draft."""
    return await _edit(services, order_id, lambda _: RemoveItem(line_id))


@answering
async def set_quantity(
    services: Services,
    order_id: OrderArgument,
    line_id: LineArgument,
    quantity: Annotated[int, typer.Argument(help="Number of pieces, at least 1.")],
) -> Answer:
    """Set the quantity of a line of a draft."""
    return await _edit(services, order_id, lambda _: ChangeQuantity(line_id, quantity))


@answering
async def adjust(
    services: Services,
    order_id: OrderArgument,
    line: Annotated[
        LineId | None,
        typer.Option(
            metavar="LINE", help="Id of a line; default: the whole order.", parser=parse_line_id
        ),
    ] = None,
    discount: Annotated[str | None, typer.Option(help="Amount taken off, such as 5.00.")] = None,
    tax: Annotated[str | None, typer.Option(help="Tax that is added.")] = None,
    included_tax: Annotated[
        str | None, typer.Option(help="Tax that the prices contain; it only informs.")
    ] = None,
    gift_card: Annotated[str | None, typer.Option(help="Amount that a gift card pays.")] = None,
) -> Answer:
    """Set all adjustments of a draft or of one of its lines; without any amount: none."""
    options = (
        (AdjustmentKind.DISCOUNT, discount, False),
        (AdjustmentKind.TAX, tax, False),
        (AdjustmentKind.TAX, included_tax, True),
        (AdjustmentKind.GIFT_CARD, gift_card, False),
    )

    def command(draft: Draft) -> SetAdjustments:
        adjustments = tuple(
            _adjustment(kind, text, included, draft.currency)
            for kind, text, included in options
            if text is not None
        )
        return SetAdjustments(adjustments, line)

    return await _edit(services, order_id, command)


def _adjustment(kind: AdjustmentKind, text: str, included: bool, currency: str) -> Adjustment:
    amount = parse_amount(text, currency, kind.value)
    return Adjustment(kind, amount * (-1 if kind in LOWERING else 1), included)


@answering
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


@answering
async def submit(
    services: Services,
    order_id: OrderArgument,
    token: Annotated[
        str | None,
        typer.Option(help="The payment provider's token; may be omitted if nothing is to be paid."),
    ] = None,
    confirmed: Annotated[
        str | None,
        typer.Option(help="Or its reference of a payment that was confirmed at checkout."),
    ] = None,
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
    on_decline: Annotated[
        DeclinePolicy, typer.Option(help="What to do if the payment is declined.")
    ] = DeclinePolicy.CANCEL,
    pay_within_hours: Annotated[
        int,
        typer.Option(
            min=1, max=MAX_PAY_WITHIN_HOURS, help="How long another payment is waited for."
        ),
    ] = CANCEL_IF_DECLINED.deadline_hours,
    email: Annotated[str | None, typer.Option(help="The customer's e-mail address.")] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=TEXT", help="A note of the shop's own; may be repeated."),
    ] = None,
) -> Answer:
    """Freeze a draft and hand it over to fulfilment; the starter then starts its saga."""
    terms = DeclineTerms(on_decline, pay_within_hours)
    is_paid = token is not None or confirmed is not None
    command = SubmitOrder(
        PaymentTerms(token, capture, terms, confirmed) if is_paid else None,
        UnavailableTerms(unavailable, deadline_hours, default),
        customer=None if email is None else Contact(email),
        metadata=dict(_entries(metadata or ())),
    )
    return await _edit(services, order_id, lambda _: command)


def _entries(texts: Iterable[str]) -> Iterable[tuple[str, str]]:
    for entry in texts:
        name, equals, text = entry.partition("=")
        if not equals:
            raise WrongUsage("--metadata must be a name and a text, such as channel=web")
        yield name, text


async def _edit(
    services: Services, order_id: OrderId, command: Callable[[Draft], OrderCommand]
) -> Answer:
    orders = orders_service(services)
    state = await orders.state(order_id)
    if not isinstance(state, Draft):
        problem = f"the order is {status_of(state)}: its content is frozen"
        raise RuleBroken("order_is_frozen", problem)
    return order_answer(await orders.execute(order_id, command(state)))
