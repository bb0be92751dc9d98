"""Notifications that could not be delivered are sent again."""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from ordersaga.access.requests import BegunRequest, RequestKey
from ordersaga.api.authentication import Caller
from ordersaga.api.context import Context, context_of
from ordersaga.api.documentation import ProblemRoute, answers, body_of
from ordersaga.api.writing import KeyHeader, once, read_body, read_key
from projections.outbox import outbox

router: Final = APIRouter(route_class=ProblemRoute, tags=["system"])

MOST: Final = 100


class ResendBody(BaseModel):
    """Which notifications; those that are delivered stay as they are."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST)]


@dataclass(frozen=True, slots=True)
class ResendAnswer:
    """The notifications that are sent again."""

    ids: list[str]


@router.post(
    "/notifications/resend",
    operation_id="resend_notifications",
    name="resend_notifications",
    summary="Send notifications again that were given up, and waiting ones now",
    responses=answers(ResendAnswer, writes=True),
    openapi_extra=body_of(ResendBody),
)
async def resend(request: Request, caller: Caller, key: KeyHeader = None) -> Response:
    """Receivers know a notification by its id, however often it comes."""
    body = await read_body(request, ResendBody)
    request_key = await read_key(request, caller, key)
    return await resend_notifications(context_of(request), body, request_key)


async def resend_notifications(context: Context, body: ResendBody, key: RequestKey) -> Response:
    """Send them again, once for the key; raises Problem if it was used for something else."""

    async def carry_out(_: BegunRequest) -> tuple[int, ResendAnswer]:
        sent = await outbox.retry(context.services.pool, body.ids)
        return 200, ResendAnswer([str(each) for each in sent])

    return await once(context, key, carry_out)
