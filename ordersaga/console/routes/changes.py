"""What happens, for pages that are open: the stream of the API, with the session of the page."""

from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response

from ordersaga.api.authentication import is_still_valid
from ordersaga.api.context import context_of
from ordersaga.api.live import LASTS_AT_MOST_S, Stream
from ordersaga.api.parameters import OfOrder
from ordersaga.api.reading import LONGEST
from ordersaga.api.routes.live import HEADERS as STREAM_HEADERS
from ordersaga.api.routes.live import EventStream
from ordersaga.console.pages import HEADERS, PageRoute
from ordersaga.console.sessions import CurrentViewer

router: Final = APIRouter(route_class=PageRoute)

LastEventId = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=LONGEST)]
Lasts = Annotated[int, Query(ge=1, le=LASTS_AT_MOST_S)]


@router.get("/changes", name="stream_changes")
async def changes(
    request: Request,
    viewer: CurrentViewer,
    last_event_id: LastEventId = None,
    order_id: OfOrder = None,
    lasts_s: Lasts = LASTS_AT_MOST_S,
) -> Response:
    """Every event as a change, without its data; it ends with the session."""
    context = context_of(request)
    context.live.require_place(viewer.token.id)
    end = await context.live.end()

    async def is_allowed() -> bool:
        return await is_still_valid(context.sessions, viewer.session)

    begin = end if last_event_id is None else min(last_event_id, end)
    stream = Stream(context.live, viewer.token.id, begin, order_id, lasts_s, is_allowed)
    return EventStream(stream.texts(), headers=HEADERS | STREAM_HEADERS)
