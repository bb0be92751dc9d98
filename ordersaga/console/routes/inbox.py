"""The inbox: everything that waits for a person or will change by itself soon."""

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ordersaga.api.context import context_of
from ordersaga.console.acts import ACTS, ActForm
from ordersaga.console.pages import PageRoute, page
from ordersaga.console.routes.jobs import acts_together
from ordersaga.console.sessions import CurrentViewer, Viewer
from ordersaga.operations.inbox.inbox import load_inbox
from ordersaga.operations.inbox.items import InboxItem

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
    items = [item for item in box.items if kind in (None, item.kind)]
    return await page(
        request,
        "inbox.html",
        items=items,
        together=_together(viewer, items) if kind else [],
        key=secrets.token_hex(16),
        kinds=kinds,
        kind=kind,
        awaiting_decision=box.awaiting_decision,
        remarks=box.remarks,
        gone=_GONE,
        acts=[act for act in ACTS.values() if viewer.may(act.operation)],
    )


def _together(viewer: Viewer, items: Sequence[InboxItem]) -> list[ActForm]:
    """The acts on many orders that at least two of these would take now."""
    if not viewer.may("start_job"):
        return []
    offered = Counter(act for item in items if item.order_id for act in item.actions)
    return [act for act in acts_together(viewer) if offered[act.name] > 1]
