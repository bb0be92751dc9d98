"""One order: now, as it was, its events, and what can be done."""

import json
import secrets
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from domain.errors import NotFound
from domain.ids import OrderId, streams_of_order
from ordersaga.access.requests import RequestKey
from ordersaga.api.acting import act_on, possible
from ordersaga.api.authentication import admit
from ordersaga.api.context import Context, context_of
from ordersaga.api.failures import problem_of
from ordersaga.api.parameters import OrderPath, Word
from ordersaga.api.problems import BAD_REQUEST, NOT_FOUND, PROBLEMS, Problem
from ordersaga.api.routes.orders import Part, Then, view_order
from ordersaga.console.acts import ACTS, ADDRESS, ActForm, Form, message_of, offered
from ordersaga.console.pages import PageRoute, page, see_other
from ordersaga.console.sessions import AnyViewer, CurrentViewer, Viewer, read_form
from ordersaga.console.steps import steps_of
from ordersaga.operations.verification.one_order import verify_order
from workflows.documents.validation import validate

router: Final = APIRouter(route_class=PageRoute)

_PARTS: Final = (Part.PAYMENT, Part.PARCELS, Part.RETURNS, Part.SAGA)
_MOST: Final = 2**62
_ACTION: Final = "order_action"


@router.get("/orders/{order_id}", name="get_order")
async def order(
    request: Request,
    order_id: OrderPath,
    viewer: CurrentViewer,
    position: Annotated[int | None, Query(ge=1, le=_MOST)] = None,
    done: Word = None,
) -> Response:
    """The whole order on one page, now or as it was right after one of its events."""
    context = context_of(request)
    whole, history = await view_order(context, viewer.token, order_id, (Part.STORY,))
    then = Then(position=position)
    if position is None:
        data, _ = await view_order(context, viewer.token, order_id, _PARTS)
    else:
        data, history = await view_order(
            context, viewer.token, order_id, (*_PARTS, Part.STOCK), then
        )
    story = whole["story"]
    shown = [entry for entry in story if position is None or entry.position <= position]
    live = data["saga"]["live"]
    actions = live.actions if live else ()
    return await page(
        request,
        "order.html",
        order=data,
        story=story,
        shown_until=shown[-1].position if shown else 0,
        position=position,
        movements=history.movements(),
        steps_rows=steps_of(shown),
        live=live,
        recorded=data["saga"]["recorded"],
        acts=offered(_possible_of(data, actions), viewer) if then.is_now else [],
        done=done,
        books=await _books(context, viewer, order_id) if then.is_now else None,
    )


def _possible_of(data: dict[str, Any], actions: Any) -> list[str]:
    """What the saga accepts; an open order without a saga can be cancelled all the same."""
    if data["saga"]["live"] is None and data["status"] not in ("completed", "cancelled"):
        return ["cancel"]
    return list(actions)


async def _books(context: Context, viewer: Viewer, order_id: OrderId) -> Any:
    if not viewer.may("verify_order"):
        return None
    services = context.services
    return await verify_order(services.redacted_store, services.codec, order_id)


@router.get("/orders/{order_id}/events", name="get_order")
async def events(
    request: Request,
    order_id: OrderPath,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
) -> Response:
    """The events as they are stored, without personal data."""
    store = context_of(request).services.redacted_store
    streams = await store.read_streams(streams_of_order(order_id))
    stored = sorted((each for one in streams.values() for each in one), key=lambda x: x.position)
    if not stored:
        raise NotFound("order", order_id)
    return await page(request, "events.html", order_id=order_id, events=stored)


# --- acting --------------------------------------------------------------------------------------


@router.get("/orders/{order_id}/act/{act}", name=_ACTION)
async def ask(request: Request, order_id: OrderPath, act: str, viewer: AnyViewer) -> Response:
    """The form of an act, with what it would do."""
    form = await _admitted(request, viewer, act)
    return await _form_page(request, order_id, viewer, form)


@router.post("/orders/{order_id}/act/{act}", name=_ACTION)
async def carry_out(request: Request, order_id: OrderPath, act: str, viewer: AnyViewer) -> Response:
    """Do it, once for the form; a second click changes nothing."""
    act_form = await _admitted(request, viewer, act)
    fields = await read_form(request, viewer)
    try:
        outcome = await _carry_out(context_of(request), viewer, order_id, act_form, fields)
    except Exception as error:  # noqa: BLE001  the reader gets the form again, and can send it again
        problem = problem_of(error)
        return await _form_page(request, order_id, viewer, act_form, fields, problem)
    return see_other(f"/orders/{order_id}", done=f"{act}:{outcome}")


async def _admitted(request: Request, viewer: Viewer, act: str) -> ActForm:
    if act not in ACTS:
        raise Problem(NOT_FOUND)
    await admit(context_of(request), viewer.token, ACTS[act].operation.name)
    return ACTS[act]


async def _carry_out(
    context: Context, viewer: Viewer, order_id: OrderId, act: ActForm, fields: Form
) -> str:
    content = message_of(act, fields)
    body = validate(act.operation.body, content, "form")
    key = fields.get("key", [""])[0]
    if not key.isalnum():
        raise Problem(BAD_REQUEST, "the form has lost its key: open it again")
    request_key = RequestKey(
        viewer.token.actor, f"console-{key}", f"{order_id} {act.name} ".encode() + content
    )
    response = await act_on(context, viewer.token, act.operation, order_id, body, request_key)
    answer = json.loads(bytes(response.body))
    if response.status_code >= 400:
        raise _stored_problem(answer)
    return str(answer["outcome"])


def _stored_problem(answer: dict[str, Any]) -> Problem:
    kinds = {kind.code: kind for kind in PROBLEMS}
    return Problem(kinds[answer["code"]], answer.get("detail", ""), answer.get("errors", ()))


async def _form_page(
    request: Request,
    order_id: OrderId,
    viewer: Viewer,
    act: ActForm,
    fields: Form | None = None,
    problem: Problem | None = None,
) -> Response:
    context = context_of(request)
    data, _ = await view_order(context, viewer.token, order_id, _PARTS)
    answer = None
    try:
        answer = await possible(context, order_id, act.operation.act)
    except Exception as error:  # noqa: BLE001  the page says why it cannot tell
        problem = problem or problem_of(error)
    entered = {name: values[0] for name, values in (fields or {}).items()}
    return await page(
        request,
        "act.html",
        status=problem.type.status if problem and fields else 200,
        order=data,
        act=act,
        answer=answer,
        problem=problem,
        entered=entered,
        key=entered.get("key") or secrets.token_hex(16),
        address=ADDRESS,
        choices=data["saga"]["live"].choices if data["saga"]["live"] else (),
    )
