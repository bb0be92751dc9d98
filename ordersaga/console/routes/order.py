"""One order: now, as it was, its events, and what can be done."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from temporalio.service import RPCError

from domain.errors import NotFound
from domain.ids import OrderId, streams_of_order
from ordersaga.api.context import Context, context_of
from ordersaga.api.parameters import OrderPath, Word
from ordersaga.api.routes.orders import Part, Then, view_order
from ordersaga.console.acts import offered
from ordersaga.console.address import ROOT
from ordersaga.console.changes import Change, changes_between
from ordersaga.console.graph import draw, meaning_of, title_of
from ordersaga.console.pages import PageRoute, page
from ordersaga.console.returning import OPEN, offered_on_parcel, offered_on_return
from ordersaga.console.sessions import CurrentViewer, Viewer
from ordersaga.console.steps import steps_of
from ordersaga.errors import OrderSagaError
from ordersaga.operations.tries import Tries, tries_of
from ordersaga.operations.verification.one_order import verify_order
from ordersaga.operations.why import Explanation, explain

router: Final = APIRouter(route_class=PageRoute)

_PARTS: Final = (Part.PAYMENT, Part.PARCELS, Part.RETURNS, Part.SAGA)
_MOST: Final = 2**62
_TEMPORAL_WITHIN_S: Final = 3.0


@router.get("/orders/{order_id}", name="get_order")
async def order(
    request: Request,
    order_id: OrderPath,
    viewer: CurrentViewer,
    position: Annotated[int | None, Query(ge=1, le=_MOST)] = None,
    done: Word = None,
) -> Response:
    """The whole order on one page, now or as it was right after one of its events."""
    context = context_of(request)
    whole, history = await view_order(context, viewer.token, order_id, (Part.STORY,))
    then = Then(position=position)
    if position is None:
        data, _ = await view_order(context, viewer.token, order_id, _PARTS)
    else:
        data, history = await view_order(
            context, viewer.token, order_id, (*_PARTS, Part.STOCK), then
        )
    story = whole["story"]
    shown = [entry for entry in story if position is None or entry.position <= position]
    earlier = [entry.position for entry in shown[:-1]]
    live = data["saga"]["live"]
    actions = live.actions if live else ()
    return await page(
        request,
        "order.html",
        order=data,
        story=story,
        shown_until=shown[-1].position if shown else 0,
        position=position,
        changes=await _changes(context, viewer, data, earlier) if position else None,
        movements=history.movements(),
        steps_rows=steps_of(shown),
        live=live,
        recorded=data["saga"]["recorded"],
        acts=offered(_possible_of(data, actions), viewer) if then.is_now else [],
        on_return=lambda row: offered_on_return(row, viewer) if then.is_now else (),
        on_parcel=lambda parcel: offered_on_parcel(parcel, viewer) if then.is_now else (),
        may_return=then.is_now and data["status"] == "completed" and viewer.may(OPEN),
        done=done,
        note_key=secrets.token_hex(16),
        books=await _books(context, viewer, order_id) if then.is_now else None,
    )


async def _changes(
    context: Context, viewer: Viewer, data: dict[str, Any], earlier: list[int]
) -> list[Change] | None:
    """What the event that is looked at changed; None: it is the first one."""
    if not earlier:
        return None
    then = Then(position=earlier[-1])
    before, _ = await view_order(context, viewer.token, data["order_id"], (), then)
    return changes_between(before, data)


def _possible_of(data: dict[str, Any], actions: Any) -> list[str]:
    """What the saga accepts; without one, an open order can be cancelled or started again."""
    live = data["saga"]["live"]
    is_gone = live is None or live.run_status not in ("running", "paused")
    if is_gone and data["status"] not in ("completed", "cancelled", "draft"):
        return ["recover", "cancel"]
    return list(actions)


async def _books(context: Context, viewer: Viewer, order_id: OrderId) -> Any:
    if not viewer.may("verify_order"):
        return None
    services = context.services
    return await verify_order(services.redacted_store, services.codec, order_id)


@router.get("/orders/{order_id}/events", name="get_order")
async def events(
    request: Request,
    order_id: OrderPath,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
) -> Response:
    """The events as they are stored, without personal data."""
    store = context_of(request).services.redacted_store
    streams = await store.read_streams(streams_of_order(order_id))
    stored = sorted((each for one in streams.values() for each in one), key=lambda x: x.position)
    if not stored:
        raise NotFound("order", order_id)
    return await page(request, "events.html", order_id=order_id, events=stored)


@router.get("/orders/{order_id}/why", name="get_order")
async def why(request: Request, order_id: OrderPath, viewer: CurrentViewer) -> Response:
    """What led to what, from the first request to the last event."""
    context = context_of(request)
    data, _ = await view_order(context, viewer.token, order_id, (Part.STORY,))
    explanation = explain(data["story"])
    return await page(
        request,
        "why.html",
        order=data,
        why=explanation,
        tries=await _tries(context, explanation),
        graph=draw(explanation.acts, f"{ROOT}/orders/{order_id}"),
        title_of=title_of,
        meaning_of=meaning_of,
    )


async def _tries(context: Context, explanation: Explanation) -> Mapping[str, Tries] | None:
    """How often steps were tried; None: Temporal does not say."""
    try:
        async with asyncio.timeout(_TEMPORAL_WITHIN_S):
            return await tries_of(await context.temporal(), explanation.acts)
    except (TimeoutError, OrderSagaError, RPCError):
        return None
