"""What people and services do after delivery: returns, and parcels that need a person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from ordersaga_client import ParcelsClient, ReturnsClient
from pydantic import BaseModel, create_model

from activities.returns.messages import DELIVERY_WORKFLOW_TYPE, RETURN_WORKFLOW_TYPE
from domain.ids import OrderId, ReturnId, delivery_workflow, return_workflow
from ordersaga.access.requests import BegunRequest, RequestKey
from ordersaga.access.tokens import Token
from ordersaga.api import problems
from ordersaga.api.acting import body_model
from ordersaga.api.authentication import Caller
from ordersaga.api.context import Context, context_of
from ordersaga.api.documentation import ProblemRoute, answers, body_of
from ordersaga.api.failures import away
from ordersaga.api.parameters import OrderPath, ReturnPath
from ordersaga.api.problems import Problem
from ordersaga.api.writing import KeyHeader, once, read_body, read_key
from ordersaga.operations.steering import Acted, Outcome, UpdateRequest, steer
from workflows.documents import messages
from workflows.documents.returns import (
    DecideRefundMessage,
    DecideRestockMessage,
    ReturnDocumentModel,
)

router: Final = APIRouter(route_class=ProblemRoute, tags=["after delivery"])
PENDING: Final = {202: "Accepted; how it ends is not certain yet: send it again."}


@dataclass(frozen=True, slots=True)
class ReturnAnswer:
    """What became of an act on a return: ``done``, or ``pending`` if it is not certain yet."""

    order_id: str
    return_id: str
    action: str
    outcome: str


@dataclass(frozen=True, slots=True)
class ParcelAnswer:
    """What became of an act on a parcel: ``done``, or ``pending`` if it is not certain yet."""

    order_id: str
    action: str
    outcome: str


def _document_model() -> type[BaseModel]:
    """The return document without what the path and the token name."""
    fields: Any = {
        name: (field.annotation, field)
        for name, field in ReturnDocumentModel.model_fields.items()
        if name not in ("order_id", "actor")
    }
    config = ReturnDocumentModel.model_config | {"title": "OpenReturnBody"}
    return create_model("OpenReturnBody", __config__=config, __doc__="A return.", **fields)


OpenReturnBody: Final = _document_model()
ScanBody: Final = messages.CarrierUpdateMessage


@router.post(
    "/orders/{order_id}/returns",
    operation_id="open_return",
    name="open_return",
    summary="Open a return of a part of an order",
    responses=answers(ReturnAnswer, writes=True, more=PENDING),
    openapi_extra=body_of(OpenReturnBody),
)
async def open_return(
    request: Request, order_id: OrderPath, caller: Caller, key: KeyHeader = None
) -> Response:
    """Opening the same return again changes nothing."""
    body = await read_body(request, OpenReturnBody)
    request_key = await read_key(request, caller, key)
    return await open_once(context_of(request), caller, order_id, body, request_key)


async def open_once(
    context: Context, token: Token, order_id: OrderId, body: BaseModel, key: RequestKey
) -> Response:
    """Open a return, once for the key; raises Problem if it was used for something else."""
    document = {
        **body.model_dump(mode="json", exclude_none=True),
        "order_id": order_id,
        "actor": token.actor,
    }

    async def carry_out(_: BegunRequest) -> tuple[int, ReturnAnswer]:
        opened = await ReturnsClient(await context.temporal()).open(document)
        status, outcome = (202, "pending") if opened.pending else (200, "done")
        return status, ReturnAnswer(order_id, document["return_id"], "open", outcome)

    return await once(context, key, carry_out)


@router.post(
    "/orders/{order_id}/parcel/scans",
    operation_id="report_scan",
    name="report_scan",
    summary="Report a scan by the carrier",
    responses=answers(ParcelAnswer, writes=True),
    openapi_extra=body_of(ScanBody),
)
async def report_scan(
    request: Request, order_id: OrderPath, caller: Caller, key: KeyHeader = None
) -> Response:
    """Scans may be repeated, and come in any order."""
    body = await read_body(request, ScanBody)
    request_key = await read_key(request, caller, key)
    context = context_of(request)

    async def carry_out(_: BegunRequest) -> tuple[int, ParcelAnswer]:
        await ParcelsClient(await context.temporal()).report(order_id, body.status, body.at)
        return 200, ParcelAnswer(order_id, "report", "done")

    return await once(context, request_key, carry_out)


# --- acts ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AfterDelivery:
    """An act on a return, or on a parcel: its operation, path, body and update."""

    name: str
    path: str
    body: type[BaseModel]
    update: str
    summary: str


_ASK: Final = body_model(messages.OperatorMessage)
_SETTLED: Final = body_model(messages.ResolveMessage)
ON_RETURNS: Final = (
    AfterDelivery(
        "refund_return",
        "refund",
        body_model(DecideRefundMessage),
        "decide_refund",
        "Decide the refund; at most what was captured and not refunded yet",
    ),
    AfterDelivery(
        "restock_return",
        "restock",
        body_model(DecideRestockMessage),
        "decide_restock",
        "Decide what goes back into stock; at most what was returned",
    ),
    AfterDelivery("retry_return", "retry", _ASK, "retry", "Try a failed refund again, now"),
    AfterDelivery(
        "resolve_return", "resolve", _SETTLED, "resolve", "State that a refund was made by hand"
    ),
)
ON_PARCELS: Final = (
    AfterDelivery(
        "retry_parcel", "retry", _ASK, "retry", "Record a scan again, or keep waiting for one"
    ),
    AfterDelivery(
        "resolve_parcel",
        "resolve",
        _SETTLED,
        "resolve",
        "State that a person has handled the parcel",
    ),
)


async def act_on_return(
    context: Context,
    token: Token,
    act: AfterDelivery,
    order_id: OrderId,
    return_id: ReturnId,
    body: BaseModel,
    key: RequestKey,
) -> Response:
    """Ask a return for something, once for the key; raises Problem if it is refused."""
    workflow = (return_workflow(order_id, return_id), RETURN_WORKFLOW_TYPE)

    def answer(outcome: str) -> ReturnAnswer:
        return ReturnAnswer(order_id, return_id, act.update, outcome)

    return await _act(context, _Act(workflow, act, _message(body, token), key), answer)


async def act_on_parcel(
    context: Context,
    token: Token,
    act: AfterDelivery,
    order_id: OrderId,
    body: BaseModel,
    key: RequestKey,
) -> Response:
    """Ask what follows a parcel for something, once for the key; raises as `act_on_return`."""
    workflow = (delivery_workflow(order_id), DELIVERY_WORKFLOW_TYPE)

    def answer(outcome: str) -> ParcelAnswer:
        return ParcelAnswer(order_id, act.update, outcome)

    return await _act(context, _Act(workflow, act, _message(body, token), key), answer)


def _message(body: BaseModel, token: Token) -> Mapping[str, Any]:
    return {**body.model_dump(mode="json", exclude_none=True), "actor": token.actor}


@dataclass(frozen=True, slots=True)
class _Act:
    """One act under one key; `workflow`: its id and type."""

    workflow: tuple[str, str]
    act: AfterDelivery
    message: Mapping[str, Any]
    key: RequestKey


async def _act(context: Context, one: _Act, answer: Callable[[str], Any]) -> Response:
    async def note_run(run_id: str) -> None:
        await context.requests.note_run(one.key, run_id)

    async def carry_out(begun: BegunRequest) -> tuple[int, Any]:
        workflow_id, workflow_type = one.workflow
        request = UpdateRequest(
            workflow_id,
            workflow_type,
            one.act.update,
            one.message,
            one.key.request_id,
            begun.run_id,
        )
        status, outcome = _became(await steer(await context.temporal(), request, note_run))
        return status, answer(outcome)

    return await once(context, one.key, carry_out)


def _became(acted: Acted) -> tuple[int, str]:
    match acted.outcome:
        case Outcome.DONE:
            return 200, "done"
        case Outcome.PENDING:
            return 202, "pending"
        case Outcome.REFUSED:
            raise Problem(problems.NOT_POSSIBLE, acted.why)
        case Outcome.ENDED:
            raise Problem(problems.NOT_POSSIBLE, "it has ended already")
        case Outcome.UNKNOWN:
            raise Problem(problems.NOT_FOUND)
        case Outcome.UNANSWERED:
            raise away(problems.TEMPORAL_AWAY, "no worker took it in time")


def _add_on_return(act: AfterDelivery) -> None:
    async def carry_out(
        request: Request,
        order_id: OrderPath,
        return_id: ReturnPath,
        caller: Caller,
        key: KeyHeader = None,
    ) -> Response:
        body = await read_body(request, act.body)
        request_key = await read_key(request, caller, key)
        context = context_of(request)
        return await act_on_return(context, caller, act, order_id, return_id, body, request_key)

    _add(f"/orders/{{order_id}}/returns/{{return_id}}/{act.path}", act, ReturnAnswer, carry_out)


def _add_on_parcel(act: AfterDelivery) -> None:
    async def carry_out(
        request: Request, order_id: OrderPath, caller: Caller, key: KeyHeader = None
    ) -> Response:
        body = await read_body(request, act.body)
        request_key = await read_key(request, caller, key)
        return await act_on_parcel(context_of(request), caller, act, order_id, body, request_key)

    _add(f"/orders/{{order_id}}/parcel/{act.path}", act, ParcelAnswer, carry_out)


def _add(path: str, act: AfterDelivery, answer: type, carry_out: Callable[..., Any]) -> None:
    router.add_api_route(
        path,
        carry_out,
        methods=["POST"],
        name=act.name,
        operation_id=act.name,
        summary=act.summary,
        responses=answers(answer, writes=True, more=PENDING),
        openapi_extra=body_of(act.body),
    )


for each in ON_RETURNS:
    _add_on_return(each)
for each in ON_PARCELS:
    _add_on_parcel(each)
