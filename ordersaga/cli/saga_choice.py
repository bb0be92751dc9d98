"""Options that say which sagas are meant; shared by `saga list` and the commands that steer."""

from typing import Annotated

import typer

Status = Annotated[
    str | None,
    typer.Option(
        help="Only orders in this status: submitted, backordered, reserved, processing, "
        "compensating, refund_pending, completed, cancelled."
    ),
]
StepName = Annotated[
    str | None,
    typer.Option(
        "--step",
        help="Only sagas at this step, such as process_payment, undo_payment, on_hold.",
    ),
]
Attention = Annotated[
    bool, typer.Option("--needs-attention", help="Only those that wait for a person.")
]
Condition = Annotated[
    str | None,
    typer.Option(
        "--filter",
        metavar="QUERY",
        help="Only those that a visibility query of Temporal finds, such as OrderTotalMinor>10000.",
    ),
]
