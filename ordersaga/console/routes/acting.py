"""Acting on an order: a form that says what it would do and asks for a reason."""

import json
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain.ids import LineId, OrderId
from domain.lines import Pieces
from ordersaga.api.acting import PossibleAnswer, act_on, possible
from ordersaga.api.authentication import admit
from ordersaga.api.context import Context, context_of
from ordersaga.api.failures import problem_of
from ordersaga.api.parameters import OrderPath
from ordersaga.api.problems import NOT_FOUND, Problem
from ordersaga.api.routes.notes import NoteBody, add_note
from ordersaga.api.routes.orders import Part, view_order
from ordersaga.api.routes.recovering import RECOVER, can_recover, recover_order
from ordersaga.console.acts import (
    ACTS,
    ADDRESS,
    OPERATION_OF,
    ActForm,
    Form,
    message_of,
    one,
    pieces_left,
)
from ordersaga.console.pages import PageRoute, page, see_other
from ordersaga.console.sessions import AnyViewer, CurrentViewer, Viewer, read_form
from ordersaga.console.writing import answer_of, key_of_form, request_key
from ordersaga.operations.what_if import WhatIf, if_amended, if_cancelled, load_standing, refusal_of
from workflows.documents.validation import validate

router: Final = APIRouter(route_class=PageRoute)


@router.get("/orders/{order_id}/act/{act}", name="order_action")
async def ask(request: Request, order_id: OrderPath, act: str, viewer: AnyViewer) -> Response:
    """The form of an act, with what it would do."""
    form = await admitted(request, viewer, act)
    return await _form_page(request, order_id, viewer, form)


@router.post("/orders/{order_id}/act/{act}", name="order_action")
async def carry_out(request: Request, order_id: OrderPath, act: str, viewer: AnyViewer) -> Response:
    """Do it, once for the form; a second click changes nothing."""
    act_form = await admitted(request, viewer, act)
    fields = await read_form(request, viewer)
    if "preview" in fields:
        return await _form_page(request, order_id, viewer, act_form, fields)
    try:
        outcome = await carry_out_once(context_of(request), viewer, order_id, act_form, fields)
    except Exception as error:  # noqa: BLE001  the reader gets the form again, and can send it again
        problem = problem_of(error)
        return await _form_page(request, order_id, viewer, act_form, fields, problem)
    return see_other(f"/orders/{order_id}", done=f"{act}:{outcome}")


@router.post("/orders/{order_id}/notes", name="add_note")
async def note(request: Request, order_id: OrderPath, viewer: CurrentViewer) -> Response:
    """Keep a note, once for the form."""
    fields = await read_form(request, viewer)
    content = json.dumps({"text": one(fields, "text")}).encode()
    body = validate(NoteBody, content, "note")
    key = request_key(viewer, one(fields, "key"), f"{order_id} note ", content)
    answer_of(await add_note(context_of(request), viewer.token, order_id, body, key))
    return see_other(f"/orders/{order_id}", done="note:done")


async def admitted(request: Request, viewer: Viewer, act: str) -> ActForm:
    """The act of this name, if the viewer may do it; raises Problem."""
    if act not in ACTS:
        raise Problem(NOT_FOUND)
    await admit(context_of(request), viewer.token, ACTS[act].operation)
    return ACTS[act]


async def carry_out_once(
    context: Context, viewer: Viewer, order_id: OrderId, act: ActForm, fields: Form
) -> str:
    """Do it, once for the key of the form; returns the outcome.

    Raises:
        InvalidDocument: fields are missing or wrong.
        Problem: it is refused, or not certain.
    """
    content = message_of(act, fields)
    body = validate(act.body, content, "form")
    key = request_key(viewer, one(fields, "key"), f"{order_id} {act.name} ", content)
    if act.name == RECOVER:
        reason = one(fields, "reason")
        response = await recover_order(context, viewer.token, order_id, reason, key)
    else:
        operation = OPERATION_OF[act.name]
        response = await act_on(context, viewer.token, operation, order_id, body, key)
    return str(answer_of(response)["outcome"])


async def _form_page(
    request: Request,
    order_id: OrderId,
    viewer: Viewer,
    act: ActForm,
    fields: Form | None = None,
    problem: Problem | None = None,
) -> Response:
    context = context_of(request)
    data, _ = await view_order(context, viewer.token, order_id, (Part.SAGA,))
    answer = None
    try:
        answer = await _possible(context, order_id, act)
    except Exception as error:  # noqa: BLE001  the page says why it cannot tell
        problem = problem or problem_of(error)
    live = data["saga"]["live"]
    running = [each.name for each in live.activities] if live else []
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
        key=key_of_form(entered, problem),
        address=ADDRESS,
        choices=live.choices if live else (),
        what_if=await _what_if(context, order_id, act, running, fields),
    )


async def _possible(context: Context, order_id: OrderId, act: ActForm) -> PossibleAnswer:
    if act.name != RECOVER:
        return await possible(context, order_id, OPERATION_OF[act.name].act)
    return PossibleAnswer(order_id, RECOVER, await can_recover(context, order_id), (), None)


async def _what_if(
    context: Context, order_id: OrderId, act: ActForm, running: list[str], fields: Form | None
) -> WhatIf | str | None:
    """What the act would do now; None for acts that change nothing by themselves."""
    if act.name not in ("cancel", "amend") or (act.name == "amend" and fields is None):
        return None
    standing = await load_standing(context.services.handler, order_id)
    if act.name == "cancel":
        return refusal_of(lambda: if_cancelled(standing, running))
    left = [Pieces(LineId(line_id), pieces) for line_id, pieces in pieces_left(fields or {})]
    return refusal_of(lambda: if_amended(standing, left)) if left else None
