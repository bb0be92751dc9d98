"""How the installation is doing: projections, notifications, one order's books."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ordersaga.api.answers import AsForm, Cursor, Form, Limit, json_answer, list_answer
from ordersaga.api.authentication import Caller
from ordersaga.api.context import context_of
from ordersaga.api.documentation import ProblemRoute, answers, list_answers, not_shown_yet
from ordersaga.api.parameters import OrderPath, Word
from ordersaga.api.reading import SHOWS_POSITION
from ordersaga.incidents.table import Incident, ProviderView, list_incidents, list_views
from ordersaga.operations.inbox.inbox import Inbox, load_inbox
from ordersaga.operations.verification.one_order import VerifiedOrder, verify_order
from projections.operations.status import LaneStatus, status
from projections.outbox import outbox
from projections.outbox.outbox import NotificationRow, OutboxStatus
from projections.paging import Page
from projections.registry import ALL

router: Final = APIRouter(route_class=ProblemRoute, tags=["system"])


class NotificationState(StrEnum):
    """The state of a notification."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class ProjectionsAnswer:
    """Every lane of every read model."""

    lanes: list[LaneStatus]


@dataclass(frozen=True, slots=True)
class ProvidersAnswer:
    """When providers failed, and what processes see of them now."""

    incidents: list[Incident]
    processes: list[ProviderView]


@router.get(
    "/inbox",
    operation_id="get_inbox",
    name="get_inbox",
    summary="Show what waits for a person or will change by itself soon",
    responses=answers(Inbox) | not_shown_yet(),
    dependencies=[SHOWS_POSITION],
)
async def inbox(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
) -> Response:
    """Each with reason, since when, money and goods, what happens next, and what is possible."""
    context = context_of(request)
    return json_answer(await load_inbox(context.services.pool, context.temporal))


@router.get(
    "/projections",
    operation_id="list_projections",
    name="list_projections",
    summary="Show how current the read models are",
    responses=answers(ProjectionsAnswer),
)
async def projections(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
) -> Response:
    """The position, lag and parked streams of every lane."""
    services = context_of(request).services
    return json_answer(ProjectionsAnswer(await status(services.pool, services.log, ALL)))


@router.get(
    "/providers",
    operation_id="list_providers",
    name="list_providers",
    summary="Show how the payment provider and the carrier do",
    responses=answers(ProvidersAnswer),
)
async def providers(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
) -> Response:
    """The latest incidents, and how each process of workers sees the providers that it calls."""
    pool = context_of(request).services.pool
    return json_answer(ProvidersAnswer(await list_incidents(pool), await list_views(pool)))


@router.get(
    "/notifications/status",
    operation_id="get_notifications",
    name="get_notifications",
    summary="Count notifications by state",
    responses=answers(OutboxStatus),
)
async def counts(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
) -> Response:
    """Waiting, delivered and dead ones."""
    return json_answer(await outbox.count(context_of(request).services.pool))


@router.get(
    "/notifications",
    operation_id="list_notifications",
    name="list_notifications",
    summary="List notifications, latest event first",
    responses=list_answers(NotificationRow),
    dependencies=[SHOWS_POSITION],
)
async def notifications(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    state: NotificationState | None = None,
    subject: Word = None,
    kind: Word = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    form: AsForm = Form.JSON,
) -> Response:
    """With attempts and the last error."""
    pool = context_of(request).services.pool

    async def fetch(rows: int, after: str | None) -> Page[Any]:
        return await outbox.list_notifications(
            pool, state=state, subject=subject, kind=kind, limit=rows, cursor=after
        )

    return await list_answer(request, fetch, NotificationRow, limit, cursor, form)


@router.get(
    "/orders/{order_id}/verification",
    operation_id="verify_order",
    name="verify_order",
    summary="Check an order's books",
    responses=answers(VerifiedOrder),
)
async def verification(
    request: Request,
    order_id: OrderPath,
    caller: Caller,  # noqa: ARG001  it authorises
) -> Response:
    """Every rule that the events of the order can break, by the rules of `ordersaga verify`."""
    services = context_of(request).services
    return json_answer(await verify_order(services.redacted_store, services.codec, order_id))
