"""Acting on what came after delivery: returns are opened and decided, parcels looked after."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain.ids import OrderId, ReturnId
from ordersaga.access.requests import RequestKey
from ordersaga.api.authentication import admit
from ordersaga.api.context import context_of
from ordersaga.api.failures import problem_of
from ordersaga.api.parameters import OrderPath, ReturnPath
from ordersaga.api.problems import NOT_FOUND, Problem
from ordersaga.api.routes.orders import Part, view_order
from ordersaga.api.routes.returning import OpenReturnBody, act_on_parcel, act_on_return, open_once
from ordersaga.console.acts import Form, one
from ordersaga.console.pages import PageRoute, page, see_other
from ordersaga.console.returning import AFTER, OPEN, AfterForm, message_of, opening_of
from ordersaga.console.sessions import AnyViewer, CurrentViewer, Viewer, read_form
from ordersaga.console.writing import answer_of, key_of_form, request_key
from workflows.documents.validation import validate

router: Final = APIRouter(route_class=PageRoute)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A form: whose, of which order, where it is sent, and what it is called."""

    viewer: Viewer
    order_id: OrderId
    target: str
    title: str
    explanation: str
    name: str


@router.get("/orders/{order_id}/open-return", name=OPEN)
async def ask_opening(request: Request, order_id: OrderPath, viewer: CurrentViewer) -> Response:
    """The form of a new return."""
    return await _form_page(request, _opening(viewer, order_id))


@router.post("/orders/{order_id}/open-return", name=OPEN)
async def carry_out_opening(
    request: Request, order_id: OrderPath, viewer: CurrentViewer
) -> Response:
    """Open it, once for the form."""
    fields = await read_form(request, viewer)
    asked = _opening(viewer, order_id)

    async def do() -> Response:
        content = opening_of(fields)
        body = validate(OpenReturnBody, content, "form")
        key = _key(asked, fields, content)
        return await open_once(context_of(request), viewer.token, order_id, body, key)

    return await _carry_out(request, asked, fields, do)


@router.get("/orders/{order_id}/returns/{return_id}/act/{name}", name="order_action")
async def ask_return(
    request: Request, order_id: OrderPath, return_id: ReturnPath, name: str, viewer: AnyViewer
) -> Response:
    """The form of an act on a return."""
    form = await _admitted(request, viewer, name)
    return await _form_page(request, _on_return(viewer, order_id, return_id, form))


@router.post("/orders/{order_id}/returns/{return_id}/act/{name}", name="order_action")
async def carry_out_on_return(
    request: Request, order_id: OrderPath, return_id: ReturnPath, name: str, viewer: AnyViewer
) -> Response:
    """Do it, once for the form."""
    form = await _admitted(request, viewer, name)
    fields = await read_form(request, viewer)
    asked = _on_return(viewer, order_id, return_id, form)
    context, token = context_of(request), viewer.token

    async def do() -> Response:
        data, _ = await view_order(context, token, order_id, ())
        content = message_of(form, fields, data["currency"])
        body = validate(form.act.body, content, "form")
        key = _key(asked, fields, content)
        return await act_on_return(context, token, form.act, order_id, return_id, body, key)

    return await _carry_out(request, asked, fields, do)


@router.get("/orders/{order_id}/parcel/act/{name}", name="order_action")
async def ask_parcel(
    request: Request, order_id: OrderPath, name: str, viewer: AnyViewer
) -> Response:
    """The form of an act on a parcel."""
    form = await _admitted(request, viewer, name)
    return await _form_page(request, _on_parcel(viewer, order_id, form))


@router.post("/orders/{order_id}/parcel/act/{name}", name="order_action")
async def carry_out_on_parcel(
    request: Request, order_id: OrderPath, name: str, viewer: AnyViewer
) -> Response:
    """Do it, once for the form."""
    form = await _admitted(request, viewer, name)
    fields = await read_form(request, viewer)
    asked = _on_parcel(viewer, order_id, form)

    async def do() -> Response:
        content = message_of(form, fields, "")
        body = validate(form.act.body, content, "form")
        key = _key(asked, fields, content)
        return await act_on_parcel(context_of(request), viewer.token, form.act, order_id, body, key)

    return await _carry_out(request, asked, fields, do)


# --- the forms -----------------------------------------------------------------------------------


def _opening(viewer: Viewer, order_id: OrderId) -> _Asked:
    explanation = (
        "Goods come back, or money goes back for goods that were lost. How much money, and what "
        "goes into stock, is decided afterwards."
    )
    target = f"/orders/{order_id}/open-return"
    return _Asked(viewer, order_id, target, "Open a return", explanation, OPEN)


def _on_return(viewer: Viewer, order_id: OrderId, return_id: ReturnId, form: AfterForm) -> _Asked:
    name = form.act.name
    target = f"/orders/{order_id}/returns/{return_id}/act/{name}"
    title = f"{form.title}: {return_id}"
    return _Asked(viewer, order_id, target, title, form.explanation, name)


def _on_parcel(viewer: Viewer, order_id: OrderId, form: AfterForm) -> _Asked:
    name = form.act.name
    target = f"/orders/{order_id}/parcel/act/{name}"
    return _Asked(viewer, order_id, target, form.title, form.explanation, name)


async def _admitted(request: Request, viewer: Viewer, name: str) -> AfterForm:
    if name not in AFTER:
        raise Problem(NOT_FOUND)
    await admit(context_of(request), viewer.token, name)
    return AFTER[name]


def _key(asked: _Asked, fields: Form, content: bytes) -> RequestKey:
    return request_key(asked.viewer, one(fields, "key"), f"{asked.target} ", content)


async def _carry_out(
    request: Request, asked: _Asked, fields: Form, do: Callable[[], Awaitable[Response]]
) -> Response:
    try:
        outcome = answer_of(await do())["outcome"]
    except Exception as error:  # noqa: BLE001  the reader gets the form again, and can send it again
        return await _form_page(request, asked, fields, problem_of(error))
    return see_other(f"/orders/{asked.order_id}", done=f"{asked.name}:{outcome}")


async def _form_page(
    request: Request,
    asked: _Asked,
    fields: Form | None = None,
    problem: Problem | None = None,
) -> Response:
    context, token = context_of(request), asked.viewer.token
    data: dict[str, Any]
    data, _ = await view_order(context, token, asked.order_id, (Part.RETURNS,))
    entered = {name: values[0] for name, values in (fields or {}).items()}
    taken = {row.return_id for row in data["returns"]}
    free = next(name for number in range(1, len(taken) + 2) if (name := f"R{number}") not in taken)
    return await page(
        request,
        "after.html",
        status=problem.type.status if problem else 200,
        order=data,
        asked=asked,
        problem=problem,
        entered=entered,
        free=free,
        key=key_of_form(entered, problem),
    )
