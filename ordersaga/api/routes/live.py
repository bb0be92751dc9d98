"""Changes as they happen."""

from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from ordersaga.api.authentication import Caller, is_still_valid
from ordersaga.api.context import context_of
from ordersaga.api.documentation import ProblemRoute, answers
from ordersaga.api.histories import require_present
from ordersaga.api.live import LASTS_AT_MOST_S, Stream
from ordersaga.api.parameters import OfOrder
from ordersaga.api.reading import LONGEST

router: Final = APIRouter(route_class=ProblemRoute, tags=["live"])

HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
Position = Annotated[
    int | None,
    Query(ge=0, le=LONGEST, description="Begin after this position; by default at the end."),
]
LastEventId = Annotated[
    int | None,
    Header(alias="Last-Event-ID", ge=0, le=LONGEST, description="Go on after this position."),
]
Lasts = Annotated[
    int,
    Query(ge=1, le=LASTS_AT_MOST_S, description="The stream ends after so many seconds."),
]


class EventStream(StreamingResponse):
    """An answer that goes on."""

    media_type = "text/event-stream"


@router.get(
    "/changes",
    operation_id="stream_changes",
    name="stream_changes",
    summary="Follow what happens, as Server-Sent Events",
    response_class=EventStream,
    responses=answers(None),
)
async def changes(
    request: Request,
    caller: Caller,
    after: Position = None,
    last_event_id: LastEventId = None,
    order_id: OfOrder = None,
    lasts_s: Lasts = LASTS_AT_MOST_S,
) -> Response:
    """Every event of orders, payments, parcels, returns and stock, as `change`, without its data.

    The id of each is its position in the feed. A client that comes back sends the last one that it
    got as `Last-Event-ID` and misses nothing. Without changes, an id comes every ten seconds.
    """
    context = context_of(request)
    live, token = context.live, request.headers["Authorization"].partition(" ")[2]
    live.require_place(caller.id)
    end = await live.end()
    begin = next((each for each in (last_event_id, after) if each is not None), end)

    async def is_allowed() -> bool:
        return await is_still_valid(context.tokens, token)

    require_present(context.services.histories, begin)
    stream = Stream(live, caller.id, min(begin, end), order_id, lasts_s, is_allowed)
    return EventStream(stream.texts(), headers=HEADERS)
