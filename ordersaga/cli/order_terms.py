"""Options that say what an order wants done when items are unavailable."""

from typing import Annotated

import typer

from domain.order.unavailable import MAX_DEADLINE_HOURS, DeadlineDefault, UnavailablePolicy

Unavailable = Annotated[
    UnavailablePolicy, typer.Option(help="What to do if items are unavailable.")
]
DeadlineHours = Annotated[
    int, typer.Option(min=1, max=MAX_DEADLINE_HOURS, help="How long the order waits then.")
]
Default = Annotated[DeadlineDefault, typer.Option(help="What happens when that time has passed.")]
