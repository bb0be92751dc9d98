"""The inbox: everything that waits for a person or will change by itself soon."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ordersaga.api.context import context_of
from ordersaga.console.acts import ACTS
from ordersaga.console.pages import PageRoute, page
from ordersaga.console.sessions import CurrentViewer
from ordersaga.operations.inbox.inbox import load_inbox

router: Final = APIRouter(route_class=PageRoute)

_GONE: Final = ("order_without_saga", "saga_terminated", "saga_failed", "saga_timed_out")
"""Findings of orders that are open and whose saga does not run."""


@router.get("/inbox", name="get_inbox")
async def inbox(
    request: Request,
    viewer: CurrentViewer,
    kind: str | None = None,
) -> Response:
    """Each with reason, since when, money and goods, what happens next, and what is possible."""
    context = context_of(request)
    box = await load_inbox(context.services.pool, context.temporal)
    kinds = sorted({item.kind for item in box.items})
    return await page(
        request,
        "inbox.html",
        items=[item for item in box.items if kind in (None, item.kind)],
        kinds=kinds,
        kind=kind,
        awaiting_decision=box.awaiting_decision,
        remarks=box.remarks,
        gone=_GONE,
        acts=[act for act in ACTS.values() if viewer.may(act.operation)],
    )
