"""Search by anything."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ordersaga.api.answers import json_answer
from ordersaga.api.authentication import Caller
from ordersaga.api.context import context_of
from ordersaga.api.documentation import ProblemRoute, answers, not_shown_yet
from ordersaga.api.parameters import printable_text
from ordersaga.api.reading import SHOWS_POSITION
from ordersaga.operations.search.search import Found, search

router: Final = APIRouter(route_class=ProblemRoute, tags=["search"], dependencies=[SHOWS_POSITION])

Text = Annotated[str, Query(min_length=1, max_length=255), printable_text]


@router.get(
    "/search",
    operation_id="search",
    name="search",
    summary="Find orders, customers and products by anything that names them",
    responses=answers(Found) | not_shown_yet(),
)
async def find(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    q: Text,
) -> Response:
    """By order id or reference, or how one begins; by customer, SKU, or the reference of a payment.

    Also by tracking number, workflow id and trace id.
    """
    return json_answer(await search(context_of(request).services.pool, q))
