"""Orders: placed, shown now or as they were with everything that belongs to them, listed."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from temporalio.service import RPCError

from activities.aggregates import STOCK
from domain.ids import OrderId, Sku
from ordersaga.access.tokens import Token
from ordersaga.api.answers import json_answer, tagged_answer
from ordersaga.api.authentication import Caller
from ordersaga.api.context import Context, context_of
from ordersaga.api.documentation import ProblemRoute, answers, body_of
from ordersaga.api.failures import invalid
from ordersaga.api.parameters import Moment, OrderPath, moment
from ordersaga.api.reading import with_position
from ordersaga.api.rights import SEES_ADDRESSES
from ordersaga.api.writing import KeyHeader, read_key
from ordersaga.errors import OrderSagaError
from ordersaga.findings.table import list_findings
from ordersaga.operations.order_history import OrderHistory, version_at
from ordersaga.operations.orders import OrdersService, TimelineEntry
from ordersaga.operations.placing import PlacedOrder, place_order
from ordersaga.operations.sagas import show_saga
from ordersaga.operations.shown_order import ShownOrder, shown
from projections.read_models.parcels.model import Parcel
from projections.read_models.payments.model import Payment
from projections.read_models.returns.model import ReturnRow
from workflows.documents.order import OrderDocumentModel, parse_document

router: Final = APIRouter(route_class=ProblemRoute, tags=["orders"])

_TRACEPARENT: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_SAGA_WITHIN_S: Final = 3.0


class Part(StrEnum):
    """What `expand` adds to an order."""

    PAYMENT = "payment"
    PARCELS = "parcels"
    RETURNS = "returns"
    SAGA = "saga"
    STORY = "story"
    STOCK = "stock"


# --- placing -------------------------------------------------------------------------------------


@router.post(
    "/orders",
    status_code=201,
    operation_id="place_order",
    name="place_order",
    summary="Place an order, once for each key",
    responses=answers(
        PlacedOrder,
        status=201,
        writes=True,
        more={200: "The same order was placed before, under another key."},
    ),
    openapi_extra=body_of(OrderDocumentModel),
)
async def place(
    request: Request,
    caller: Caller,
    key: KeyHeader = None,
    traceparent: Annotated[str | None, Header(description="W3C trace context.")] = None,
) -> Response:
    """Append the order and the key in one transaction; the saga starts by itself.

    Works while Temporal is away. The same request again gets the same answer.
    """
    services = context_of(request).services
    body = await request.body()
    document = parse_document(body, None)
    request_key = await read_key(request, caller, key)
    trace = traceparent if traceparent and _TRACEPARENT.fullmatch(traceparent) else None
    placed = await place_order(services.handler, document, request_key, trace)
    where = {"Location": f"/orders/{placed.order_id}"}
    answer = json_answer(placed, status=201 if placed.created else 200, headers=where)
    return await with_position(context_of(request), answer)


# --- one order -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderAnswer(ShownOrder):
    """An order with the parts that were asked for."""

    payment: Payment | None = None
    parcels: list[Parcel] | None = None
    returns: list[ReturnRow] | None = None
    saga: dict[str, Any] | None = None
    story: list[TimelineEntry] | None = None
    stock: list[dict[str, Any]] | None = None


Expand = Annotated[
    str | None,
    Query(
        max_length=100,
        description=f"Parts to add, separated by commas: {', '.join(Part)}.",
    ),
]


@router.get(
    "/orders/{order_id}",
    operation_id="get_order",
    name="get_order",
    summary="Show an order, now or as it was",
    responses=answers(OrderAnswer, more={304: "The client has it: see If-None-Match."}),
)
async def get(
    request: Request,
    order_id: OrderPath,
    caller: Caller,
    expand: Expand = None,
    at: Moment = None,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    """The order from the event store: what was answered to a write is in it.

    `at` and `version` show it as it was, with its money, parcel and returns of that time.
    """
    then = Then(moment(at, "at"), version)
    data, history = await view_order(context_of(request), caller, order_id, _parts(expand), then)
    return tagged_answer(request, caller, data, data["version"], history.own[-1].position)


@dataclass(frozen=True, slots=True)
class Then:
    """A moment: a time, a version of the order, or a position of the feed; none of them: now."""

    at: datetime | None = None
    version: int | None = None
    position: int | None = None

    @property
    def is_now(self) -> bool:
        """Whether the present is meant."""
        return self.at is None and self.version is None and self.position is None


NOW: Final = Then()


async def view_order(
    context: Context, token: Token, order_id: OrderId, parts: Sequence[Part], then: Then = NOW
) -> tuple[dict[str, Any], OrderHistory]:
    """An order with some parts as this token may see it, and the events that say so.

    Raises:
        NotFound: there is no such order, or there was none then.
    """
    orders = OrdersService.of(context.services)
    history = await orders.history(
        order_id, at=then.at, at_version=then.version, at_position=then.position
    )
    view = _View(context, orders, history, then)
    data = _visible(shown(history), token)
    for part in parts:
        data[part] = await _EXPANSIONS[part](view)
    return data, history


def _parts(expand: str | None) -> list[Part]:
    names = [name.strip() for name in (expand or "").split(",") if name.strip()]
    for name in names:
        if name not in list(Part):
            raise invalid("expand", f"must be of {', '.join(Part)}")
    return [part for part in Part if part in names]


def _visible(order: ShownOrder, token: Token) -> dict[str, Any]:
    """The order as this role may see it."""
    data = {name: getattr(order, name) for name in order.__dataclass_fields__}
    if token.role not in SEES_ADDRESSES:
        data["address"] = data["customer"] = None
    return data


@dataclass(frozen=True, slots=True)
class _View:
    """An order at the moment that was asked for."""

    context: Context
    orders: OrdersService
    history: OrderHistory
    then: Then

    async def payment(self) -> Payment | None:
        return self.history.payment()

    async def parcels(self) -> list[Parcel]:
        parcel = self.history.parcel()
        return [parcel] if parcel else []

    async def returns(self) -> list[ReturnRow]:
        return self.history.returns()

    async def saga(self) -> dict[str, Any]:
        """What the events say; if now is meant, also what the saga and Temporal say."""
        recorded = self.history.fulfillment()
        saga: dict[str, Any] = {"recorded": recorded, "live": None, "note": None}
        if not self.then.is_now:
            return saga
        services, order_id = self.context.services, self.history.order_id
        try:
            async with asyncio.timeout(_SAGA_WITHIN_S):
                findings = await list_findings(services.pool, [order_id])
                client = await self.context.temporal()
                saga["live"] = await show_saga(client, services.settings, order_id, findings)
        except (TimeoutError, OrderSagaError, RPCError) as error:
            saga["note"] = str(error) if isinstance(error, OrderSagaError) else _NO_ANSWER
        return saga

    async def story(self) -> list[TimelineEntry]:
        last = max(event.position for events in self.history.streams.values() for event in events)
        entries = await self.orders.timeline(self.history.order_id, until=self.then.at)
        return [entry for entry in entries if self.then.is_now or entry.position <= last]

    async def stock(self) -> list[dict[str, Any]]:
        """The stock of each product of the order, as it was at the same time."""
        skus = dict.fromkeys(line.sku for line in shown(self.history).lines if line.sku)
        return [await self._level(Sku(sku)) for sku in skus]

    async def _level(self, sku: Sku) -> dict[str, Any]:
        stock = STOCK.stream(sku)
        handler = self.context.services.handler
        if self.then.position is None:
            loaded = await handler.load(stock.name, stock.fold, until=self._moment)
        else:
            store = self.context.services.log
            version = await version_at(store, stock.name, self.then.position)
            loaded = await handler.load(stock.name, stock.fold, at_version=version)
        state = loaded.state
        return {
            "sku": sku,
            "on_hand": state.on_hand,
            "reserved": state.reserved,
            "available": state.available,
            "backordered": state.waiting.total,
            "version": loaded.version,
        }

    @property
    def _moment(self) -> datetime | None:
        return None if self.then.is_now else self.then.at or self.history.own[-1].recorded_at


_NO_ANSWER: Final = "Temporal does not answer"
_EXPANSIONS: Final[Mapping[Part, Callable[[_View], Awaitable[Any]]]] = {
    Part.PAYMENT: _View.payment,
    Part.PARCELS: _View.parcels,
    Part.RETURNS: _View.returns,
    Part.SAGA: _View.saga,
    Part.STORY: _View.story,
    Part.STOCK: _View.stock,
}
