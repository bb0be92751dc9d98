"""`ordersaga saga choose|amend`: orders with unavailable items."""

from typing import Annotated, Final

import typer

from domain.order.terms import ShortageChoice
from ordersaga.cli.answers import Answer, answering
from ordersaga.cli.common import OrderArgument, Why, opened, saga_client
from ordersaga.cli.saga.listing import saga_answer
from ordersaga.errors import WrongUsage
from ordersaga.operations.actor import operator

CHOOSE: Final = "Choose what happens to orders with unavailable items."
Choice = Annotated[
    ShortageChoice, typer.Option(help="Ship what is available, wait for the rest, or cancel.")
]


@answering
async def amend(
    order_id: OrderArgument,
    why: Why,
    line: Annotated[
        list[str],
        typer.Option(
            metavar="LINE=PIECES", help="New quantity of a line; 0 removes it. May be repeated."
        ),
    ],
) -> Answer:
    """Reduce an order; possible until the label is bought.

    What was paid for the removed pieces is refunded.
    """
    pieces = dict(_pieces(text) for text in line)
    async with opened() as services:
        client = await saga_client(services)
        await client.amend(order_id, pieces, actor=operator(), reason=why)
        return await saga_answer(services, order_id)


def _pieces(text: str) -> tuple[str, int]:
    line_id, _, quantity = text.rpartition("=")
    if not line_id or not (quantity.isascii() and quantity.isdigit()):
        raise WrongUsage("--line must be the id of a line and its new quantity, such as 1=2")
    return line_id, int(quantity)
