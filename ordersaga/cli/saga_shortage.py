"""`ordersaga saga choose|amend`: unavailable items, and pieces that are left out."""

from typing import Annotated, Final

import typer

from domain.order.unavailable import ShortageChoice
from ordersaga.cli.common import Json, OrderArgument
from ordersaga.cli.output import run
from ordersaga.cli.saga import app
from ordersaga.cli.saga_choice import Attention, Condition, Status, StepName
from ordersaga.cli.saga_steering import (
    AsSignals,
    DryRun,
    How,
    Ids,
    Rate,
    Why,
    Yes,
    steer,
    tell_one,
    wish_of,
)
from ordersaga.errors import WrongUsage

_LINE: Final = "--line must be a SKU and how many pieces are left of it, such as 71053=2"


def register(_app: typer.Typer) -> None:
    """Add the commands to the group `saga`."""
    app.command("choose")(choose)
    app.command("amend")(amend)


def choose(
    why: Why,
    choice: Annotated[
        ShortageChoice,
        typer.Option(help="Go on with what is there, wait for the rest, or cancel."),
    ],
    order_ids: Ids = None,
    status: Status = None,
    step: StepName = None,
    needs_attention: Attention = False,
    condition: Condition = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    by_signal: AsSignals = False,
    rate: Rate = 50.0,
    as_json: Json = False,
) -> None:
    """Say what to do about items that orders wait for.

    Ends with 1 if a saga did not take it.
    """
    more = {"choice": choice.value}
    how = How("choose", why, dry_run, yes, by_signal, rate, as_json, more)
    steer(how, order_ids, wish_of(status, step, needs_attention, condition))


def amend(
    order_id: OrderArgument,
    why: Why,
    line: Annotated[
        list[str],
        typer.Option(metavar="SKU=PIECES", help="So many are left; 0 drops it. Again for more."),
    ],
    as_json: Json = False,
) -> None:
    """Leave pieces out of an order; possible until the label is bought.

    What was paid for them goes back.
    """
    from domain.ids import parse_order_id

    pieces = dict(_pieces(text) for text in line)
    run(
        tell_one(
            parse_order_id(order_id),
            lambda c, o, who: c.amend(o, pieces, actor=who, reason=why),
            as_json,
        )
    )


def _pieces(text: str) -> tuple[str, int]:
    sku, _, quantity = text.rpartition("=")
    if not sku or not (quantity.isascii() and quantity.isdigit()):
        raise WrongUsage(_LINE)
    return sku, int(quantity)
