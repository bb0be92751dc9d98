"""How the installation is doing: read models, notifications, providers."""

import json
import secrets
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ordersaga.api.answers import Cursor
from ordersaga.api.context import context_of
from ordersaga.api.parameters import Word
from ordersaga.api.routes.resending import ResendBody, resend_notifications
from ordersaga.api.routes.system import NotificationState
from ordersaga.console.acts import one
from ordersaga.console.pages import PageRoute, page, see_other
from ordersaga.console.sessions import CurrentViewer, read_form
from ordersaga.console.writing import answer_of, request_key
from ordersaga.incidents.table import list_incidents, list_views
from projections.operations.operate import list_parked
from projections.operations.repairs.table import list_repairs
from projections.operations.status import status
from projections.outbox import outbox
from projections.registry import ALL
from workflows.documents.validation import validate

router: Final = APIRouter(route_class=PageRoute)

ROWS: Final = 50
REPAIRS: Final = 10


@router.get("/projections", name="list_projections")
async def projections(
    request: Request,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
    cursor: Cursor = None,
) -> Response:
    """How current every read model is, what it could not apply, and what was asked for."""
    services = context_of(request).services
    lanes = await status(services.pool, services.log, ALL)
    parked = await list_parked(services.pool, ALL, limit=ROWS, cursor=cursor)
    repairs = await list_repairs(services.pool, limit=REPAIRS)
    return await page(request, "projections.html", lanes=lanes, parked=parked, repairs=repairs)


@router.get("/notifications", name="list_notifications")
async def notifications(
    request: Request,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
    state: NotificationState | None = None,
    subject: Word = None,
    kind: Word = None,
    cursor: Cursor = None,
) -> Response:
    """What was told to other systems, and what could not be."""
    pool = context_of(request).services.pool
    rows = await outbox.list_notifications(
        pool, state=state, subject=subject, kind=kind, limit=ROWS, cursor=cursor
    )
    counts = await outbox.count(pool)
    states = list(NotificationState)
    key = secrets.token_hex(16)
    return await page(
        request, "notifications.html", rows=rows, counts=counts, states=states, key=key
    )


@router.post("/notifications/resend", name="resend_notifications")
async def resend(request: Request, viewer: CurrentViewer) -> Response:
    """Send one again, once for the form."""
    form = await read_form(request, viewer)
    content = json.dumps({"ids": form.get("id", [])}).encode()
    body = validate(ResendBody, content, "form")
    key = request_key(viewer, one(form, "key"), "resend ", content)
    answer_of(await resend_notifications(context_of(request), body, key))
    return see_other("/notifications", state="waiting")


@router.get("/providers", name="list_providers")
async def providers(
    request: Request,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
) -> Response:
    """When the payment provider or the carrier failed, and what waits for it."""
    pool = context_of(request).services.pool
    incidents, views = await list_incidents(pool), await list_views(pool)
    return await page(request, "providers.html", incidents=incidents, views=views)
