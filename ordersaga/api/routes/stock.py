"""Stock: shown, listed, received and corrected."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from domain import fields
from domain.ids import Sku, parse_sku
from domain.stock.commands import AdjustStock, ReceiveStock, StockCommand
from ordersaga.access.requests import BegunRequest
from ordersaga.api.answers import AsForm, Cursor, Form, Limit, json_answer, list_answer
from ordersaga.api.authentication import Caller
from ordersaga.api.context import context_of
from ordersaga.api.documentation import ProblemRoute, answers, body_of, list_answers
from ordersaga.api.parameters import SkuPath
from ordersaga.api.reading import SHOWS_POSITION
from ordersaga.api.writing import KeyHeader, once, read_body, read_key
from ordersaga.operations.actor import Caller as CommandCaller
from ordersaga.operations.orders import OrdersService, ShownStock
from projections.paging import Page
from projections.read_models.stock_levels.model import StockLevel, list_stock
from workflows.documents.messages import Note
from workflows.documents.parts import text

router: Final = APIRouter(route_class=ProblemRoute, tags=["stock"])

_Reference = Annotated[str, *text(fields.parse_reference, fields.MAX_REFERENCE)]


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class ReceiveBody(_Body):
    """A delivery; one with the same reference is booked once."""

    quantity: Annotated[int, Field(ge=1, le=fields.MAX_QUANTITY, description="pieces")]
    reference: _Reference


class AdjustBody(_Body):
    """The difference that a count showed; negative if pieces are missing."""

    by: Annotated[int, Field(ge=-fields.MAX_QUANTITY, le=fields.MAX_QUANTITY)]
    reason: Note


@router.get(
    "/stock",
    operation_id="list_stock",
    name="list_stock",
    summary="List stock levels",
    responses=list_answers(StockLevel),
    dependencies=[SHOWS_POSITION],
)
async def list_levels(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    below: Annotated[int | None, Query(ge=-(2**31), le=2**31 - 1)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    form: AsForm = Form.JSON,
) -> Response:
    """By SKU; with `below` only those with fewer pieces available, scarcest first."""
    pool = context_of(request).services.pool

    async def fetch(rows: int, after: str | None) -> Page[Any]:
        return await list_stock(pool, available_below=below, limit=rows, cursor=after)

    return await list_answer(request, fetch, StockLevel, limit, cursor, form)


@router.get(
    "/stock/{sku}",
    operation_id="get_stock",
    name="get_stock",
    summary="Show the stock of a product",
    responses=answers(ShownStock),
)
async def get_level(
    request: Request,
    sku: SkuPath,
    caller: Caller,  # noqa: ARG001  it authorises
) -> Response:
    """From the event store, with the head of the queue."""
    return json_answer(await OrdersService.of(context_of(request).services).show_stock(sku))


@router.post(
    "/stock/{sku}/receive",
    operation_id="receive_stock",
    name="receive_stock",
    summary="Book a delivery",
    responses=answers(ShownStock, writes=True),
    openapi_extra=body_of(ReceiveBody),
)
async def receive(
    request: Request, sku: SkuPath, caller: Caller, key: KeyHeader = None
) -> Response:
    """A delivery is booked once for its reference, whatever the key."""
    body = await read_body(request, ReceiveBody)
    command = ReceiveStock(Sku(sku), body.quantity, body.reference)
    return await _execute(request, caller, key, Sku(sku), command)


@router.post(
    "/stock/{sku}/adjust",
    operation_id="adjust_stock",
    name="adjust_stock",
    summary="Correct the stock on hand after a count",
    responses=answers(ShownStock, writes=True),
    openapi_extra=body_of(AdjustBody),
)
async def adjust(request: Request, sku: SkuPath, caller: Caller, key: KeyHeader = None) -> Response:
    """The difference is booked once for the key."""
    body = await read_body(request, AdjustBody)
    command = AdjustStock(Sku(sku), body.by, body.reason)
    return await _execute(request, caller, key, Sku(sku), command)


async def _execute(
    request: Request, caller: Caller, key: str | None, sku: Sku, command: StockCommand
) -> Response:
    context = context_of(request)
    parse_sku(sku, "sku")
    request_key = await read_key(request, caller, key)

    async def carry_out(_: BegunRequest) -> tuple[int, ShownStock]:
        by = CommandCaller(caller.actor, request_key.request_id)
        orders = OrdersService.of(context.services, by)
        return 200, await orders.execute_stock(sku, command)

    return await once(context, request_key, carry_out)
