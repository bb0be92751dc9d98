"""Options that select sagas, and options of the commands that steer them."""

from typing import Annotated

import typer

from domain.ids import OrderId, parse_order_id
from ordersaga.cli.common import text_option

Status = Annotated[
    str | None,
    text_option(
        "Only orders in this status: submitted, backordered, reserved, processing, "
        "compensating, refund_pending, completed, cancelled."
    ),
]
StepName = Annotated[
    str | None,
    text_option(
        "Only sagas at this step, such as process_payment, undo_payment, on_hold.", "--step"
    ),
]
Condition = Annotated[
    str | None,
    text_option(
        "Only sagas that match a visibility query of Temporal, such as OrderTotalMinor>10000.",
        "--filter",
        metavar="QUERY",
    ),
]
Ids = Annotated[
    list[OrderId] | None,
    typer.Argument(
        metavar="[ID]...", help="Order ids; or select sagas by a filter.", parser=parse_order_id
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only look for which orders it is possible.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
BySignal = Annotated[
    bool,
    typer.Option(
        "--signal",
        help="Send a signal to one saga: it waits for workers and reaches a paused saga, but is "
        "not answered.",
    ),
]
Rate = Annotated[float, typer.Option(min=0.1, max=50, help="At most this many sagas per second.")]
