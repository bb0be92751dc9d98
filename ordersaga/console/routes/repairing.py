"""Applying parked streams again and rebuilding read models: a form that asks for a reason."""

import json
import secrets
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ordersaga.api.context import context_of
from ordersaga.api.failures import problem_of
from ordersaga.api.parameters import printable_text
from ordersaga.api.problems import Problem
from ordersaga.api.routes.repairing import (
    ProjectionPath,
    RebuildBody,
    ReplayBody,
    ask_rebuild,
    ask_replay,
    require_projection,
)
from ordersaga.console.acts import Form, one
from ordersaga.console.pages import PageRoute, page, see_other
from ordersaga.console.sessions import CurrentViewer, Viewer, read_form
from ordersaga.console.words import words
from ordersaga.console.writing import answer_of, request_key
from projections.operations.repairs.table import RepairKind
from workflows.documents.validation import validate

router: Final = APIRouter(route_class=PageRoute)

_EXPLANATIONS: Final = {
    RepairKind.REPLAY: (
        "The events that could not be applied are applied now. What fails again stays parked, and "
        "nothing else changes. Repair the cause first; mostly that is a newer program."
    ),
    RepairKind.REBUILD: (
        "New tables are filled from the first event on, beside the old ones, which everybody sees "
        "until the new ones are complete. On a long log that takes a while, and costs the database "
        "the room of both."
    ),
}
Stream = Annotated[str, Query(max_length=255), printable_text]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A form: what of which read model, and where it is sent."""

    kind: RepairKind
    name: str
    stream: str = ""

    @property
    def target(self) -> str:
        return f"/projections/{self.name}/{self.kind}"

    @property
    def title(self) -> str:
        if self.kind is RepairKind.REBUILD:
            return f"Rebuild {words(self.name)}"
        return f"Apply again: {self.stream or 'all parked streams'}"

    @property
    def explanation(self) -> str:
        return _EXPLANATIONS[self.kind]


@router.get("/projections/{name}/rebuild", name="rebuild_projection")
async def ask_to_rebuild(
    request: Request,
    name: ProjectionPath,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
) -> Response:
    """The form of a rebuild."""
    require_projection(name)
    return await _form_page(request, _Asked(RepairKind.REBUILD, name))


@router.get("/projections/{name}/replay", name="replay_projection")
async def ask_to_replay(
    request: Request,
    name: ProjectionPath,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
    stream: Stream = "",
) -> Response:
    """The form of a replay."""
    require_projection(name)
    return await _form_page(request, _Asked(RepairKind.REPLAY, name, stream))


@router.post("/projections/{name}/rebuild", name="rebuild_projection")
async def begin_rebuild(request: Request, name: ProjectionPath, viewer: CurrentViewer) -> Response:
    """Ask for it, once for the form."""
    fields = await read_form(request, viewer)
    return await _send(request, viewer, _Asked(RepairKind.REBUILD, name), fields)


@router.post("/projections/{name}/replay", name="replay_projection")
async def begin_replay(request: Request, name: ProjectionPath, viewer: CurrentViewer) -> Response:
    """Ask for it, once for the form."""
    fields = await read_form(request, viewer)
    asked = _Asked(RepairKind.REPLAY, name, one(fields, "stream"))
    return await _send(request, viewer, asked, fields)


async def _send(request: Request, viewer: Viewer, asked: _Asked, fields: Form) -> Response:
    try:
        answer_of(await _answer(request, viewer, asked, fields))
    except Exception as error:  # noqa: BLE001  the reader gets the form again, and can send it again
        return await _form_page(request, asked, fields, problem_of(error))
    return see_other("/projections")


async def _answer(request: Request, viewer: Viewer, asked: _Asked, fields: Form) -> Response:
    context, message = context_of(request), {"reason": one(fields, "reason")}
    if asked.stream:
        message["stream"] = asked.stream
    content = json.dumps(message).encode()
    key = request_key(viewer, one(fields, "key"), f"{asked.target} ", content)
    if asked.kind is RepairKind.REBUILD:
        rebuild = validate(RebuildBody, content, "form")
        return await ask_rebuild(context, viewer.token, asked.name, rebuild, key)
    replay = validate(ReplayBody, content, "form")
    return await ask_replay(context, viewer.token, asked.name, replay, key)


async def _form_page(
    request: Request, asked: _Asked, fields: Form | None = None, problem: Problem | None = None
) -> Response:
    entered = {name: values[0] for name, values in (fields or {}).items()}
    return await page(
        request,
        "repair.html",
        status=problem.type.status if problem else 200,
        asked=asked,
        problem=problem,
        entered=entered,
        key=entered.get("key") or secrets.token_hex(16),
    )
