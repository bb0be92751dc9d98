"""Notes of the staff on an order."""

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from domain.ids import OrderId
from ordersaga.access.requests import BegunRequest, RequestKey
from ordersaga.access.tokens import Token
from ordersaga.api.authentication import Caller
from ordersaga.api.context import Context, context_of
from ordersaga.api.documentation import ProblemRoute, answers, body_of
from ordersaga.api.parameters import OrderPath
from ordersaga.api.writing import KeyHeader, once, read_body, read_key
from ordersaga.operations.actor import Caller as CommandCaller
from ordersaga.operations.orders import OrdersService
from workflows.documents.messages import Note

router: Final = APIRouter(route_class=ProblemRoute, tags=["actions"])


class NoteBody(BaseModel):
    """What the staff should know. It is kept for ever: write nothing personal."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    text: Note


@dataclass(frozen=True, slots=True)
class NoteAnswer:
    """A note as it is kept."""

    order_id: str
    author: str
    text: str


@router.post(
    "/orders/{order_id}/notes",
    operation_id="add_note",
    name="add_note",
    summary="Leave a note on an order",
    responses=answers(NoteAnswer, writes=True),
    openapi_extra=body_of(NoteBody),
)
async def add(
    request: Request, order_id: OrderPath, caller: Caller, key: KeyHeader = None
) -> Response:
    """The note stands in the story of the order, with its author."""
    body = await read_body(request, NoteBody)
    request_key = await read_key(request, caller, key)
    return await add_note(context_of(request), caller, order_id, body, request_key)


async def add_note(
    context: Context, token: Token, order_id: OrderId, body: NoteBody, key: RequestKey
) -> Response:
    """Leave a note, once for the key; raises Problem if the key was used for something else."""

    async def carry_out(_: BegunRequest) -> tuple[int, NoteAnswer]:
        orders = OrdersService.of(context.services, CommandCaller(token.actor, key.request_id))
        await orders.add_note(order_id, body.text)
        return 200, NoteAnswer(order_id, token.actor, body.text)

    return await once(context, key, carry_out)
