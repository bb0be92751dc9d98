"""`ordersaga saga choose|amend`: orders with unavailable items."""

from typing import Annotated

import typer

from domain.order.unavailable import ShortageChoice
from ordersaga.cli.common import Json, NeedsAttention, OrderArgument, Why
from ordersaga.cli.output import async_command
from ordersaga.cli.saga.options import BySignal, Condition, DryRun, Ids, Rate, Status, StepName, Yes
from ordersaga.cli.saga.steering import Steering, saga_filter, steer, steer_one
from ordersaga.errors import WrongUsage


@async_command
async def choose(
    why: Why,
    choice: Annotated[
        ShortageChoice,
        typer.Option(help="Ship what is available, wait for the rest, or cancel."),
    ],
    order_ids: Ids = None,
    status: Status = None,
    step: StepName = None,
    needs_attention: NeedsAttention = False,
    condition: Condition = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    by_signal: BySignal = False,
    rate: Rate = 50.0,
    as_json: Json = False,
) -> int:
    """Choose what happens to orders with unavailable items.

    Ends with 1 if a saga did not accept the command.
    """
    details = {"choice": choice.value}
    steering = Steering("choose", why, dry_run, yes, by_signal, rate, as_json, details)
    return await steer(steering, order_ids, saga_filter(status, step, needs_attention, condition))


@async_command
async def amend(
    order_id: OrderArgument,
    why: Why,
    line: Annotated[
        list[str],
        typer.Option(
            metavar="SKU=PIECES", help="New quantity of a product; 0 removes it. May be repeated."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Reduce an order; possible until the label is bought.

    What was paid for the removed pieces is refunded.
    """
    pieces = dict(_pieces(text) for text in line)
    await steer_one(
        order_id,
        lambda client, actor: client.amend(order_id, pieces, actor=actor, reason=why),
        as_json,
    )


def _pieces(text: str) -> tuple[str, int]:
    sku, _, quantity = text.rpartition("=")
    if not sku or not (quantity.isascii() and quantity.isdigit()):
        raise WrongUsage("--line must be a SKU and its new quantity, such as 71053=2")
    return sku, int(quantity)
