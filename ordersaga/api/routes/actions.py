"""What people and services do about an order: each act is an update of its saga."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ordersaga.api.acting import OPERATIONS, ActionAnswer, Operation, act_on, possible
from ordersaga.api.answers import json_answer
from ordersaga.api.authentication import Caller
from ordersaga.api.context import context_of
from ordersaga.api.documentation import ProblemRoute, answers, body_of
from ordersaga.api.parameters import OrderPath
from ordersaga.api.writing import IfMatch, KeyHeader, read_body, read_key

router: Final = APIRouter(route_class=ProblemRoute, tags=["actions"])

DryRun = Annotated[bool, Query(description="Only say whether it is possible now.")]


def _add(operation: Operation) -> None:
    async def act(
        request: Request,
        order_id: OrderPath,
        caller: Caller,
        key: KeyHeader = None,
        if_match: IfMatch = None,
        dry_run: DryRun = False,
    ) -> Response:
        context = context_of(request)
        body = await read_body(request, operation.body)
        if dry_run:
            return json_answer(await possible(context, order_id, operation.act))
        request_key = await read_key(request, caller, key)
        return await act_on(context, caller, operation, order_id, body, request_key, if_match)

    router.add_api_route(
        f"/orders/{{order_id}}/{operation.path}",
        act,
        methods=["POST"],
        name=operation.name,
        operation_id=operation.name,
        summary=operation.summary,
        responses=answers(
            ActionAnswer,
            writes=True,
            more={
                202: "Accepted; how it ends is not certain yet: send it again, or get the order."
            },
        ),
        openapi_extra=body_of(operation.body),
    )


for each in OPERATIONS:
    _add(each)
