"""Reading what was written: a list waits until the read models show everything up to a position.

Read models follow the event store within moments. A client that has just written, or has seen a
change, gives the position that it knows.
"""

import asyncio
from typing import Annotated, Final

from fastapi import Depends, Query, Request
from fastapi.responses import Response

from ordersaga.api.authentication import Caller
from ordersaga.api.context import Context, context_of
from ordersaga.api.failures import invalid
from ordersaga.api.histories import require_present
from ordersaga.api.problems import NOT_SHOWN_YET, Problem
from projections.operations.status import has_reached
from projections.registry import ALL

POSITION_HEADER: Final = "Ordersaga-Position"
LONGEST: Final = 2**62
WAITS_FOR_S: Final = 3.0

_LOOK_EVERY_S: Final = 0.05
_SOON: Final = {"Retry-After": "1"}
AtLeast = Annotated[
    int | None,
    Query(
        ge=0,
        le=LONGEST,
        description=f"Show everything up to this position: {POSITION_HEADER} of the answer to a "
        "write, or the id of a change.",
    ),
]


async def _await_position(
    request: Request,
    caller: Caller,  # noqa: ARG001  whoever has no right does not wait
    position: AtLeast = None,
) -> None:
    """Wait for a moment until read models show a position.

    Raises:
        Problem: not_shown_yet; other_history; or nothing was recorded there, which no wait would
            change.
    """
    if position is None:
        return
    services = context_of(request).services
    require_present(services.histories, position)
    if position > await services.log.head():
        raise invalid("position", "nothing has this position yet; take one from an answer")
    pool = services.pool
    try:
        async with asyncio.timeout(WAITS_FOR_S):
            while not await has_reached(pool, position, ALL):  # noqa: ASYNC110  nothing tells it
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise Problem(NOT_SHOWN_YET, headers=_SOON) from None


SHOWS_POSITION: Final = Depends(_await_position)
"""Gives an operation that reads read models the parameter `position`."""


async def with_position(context: Context, response: Response) -> Response:
    """The answer to a write, with a position up to which its events are."""
    response.headers[POSITION_HEADER] = str(await context.services.log.head())
    return response
