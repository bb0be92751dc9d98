"""Parked streams are applied again and read models rebuilt, by a process of the projections."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import Field

from ordersaga.access.requests import BegunRequest, RequestKey
from ordersaga.access.tokens import Token
from ordersaga.api.answers import AsForm, Cursor, Form, Limit, json_answer, list_answer
from ordersaga.api.authentication import Caller
from ordersaga.api.context import Context, context_of
from ordersaga.api.documentation import ProblemRoute, answers, body_of, list_answers
from ordersaga.api.problems import NOT_FOUND, NOT_POSSIBLE, Problem
from ordersaga.api.reading import LONGEST
from ordersaga.api.writing import KeyHeader, once, read_body, read_key
from projections.operations.repairs import table
from projections.operations.repairs.table import Asked, Repair, RepairKind
from projections.paging import Page
from projections.registry import ALL
from workflows.documents.messages import Note
from workflows.documents.parts import Strict

router: Final = APIRouter(route_class=ProblemRoute, tags=["system"])

_VERSIONS: Final = {projection.name: projection.version for projection in ALL}
_MOST_STREAM: Final = 255
ProjectionPath = Annotated[str, Path(pattern="^[a-z_]{1,64}$", description="The read model.")]
RepairPath = Annotated[int, Path(ge=1, le=LONGEST, description="The replay or rebuild.")]


class RebuildBody(Strict):
    """Why a read model is rebuilt."""

    reason: Note


class ReplayBody(Strict):
    """Why parked streams are applied again; one of them if `stream` names it."""

    reason: Note
    stream: Annotated[str, Field(pattern="^[!-~]+$", max_length=_MOST_STREAM)] | None = None


@router.post(
    "/projections/{name}/rebuild",
    operation_id="rebuild_projection",
    name="rebuild_projection",
    summary="Ask for new tables of a read model, filled beside the old ones",
    responses=answers(Repair, writes=True),
    openapi_extra=body_of(RebuildBody),
)
async def rebuild(
    request: Request, name: ProjectionPath, caller: Caller, key: KeyHeader = None
) -> Response:
    """Readers see the old tables until the switch. A rebuild that has not ended is the same one."""
    body = await read_body(request, RebuildBody)
    request_key = await read_key(request, caller, key)
    return await ask_rebuild(context_of(request), caller, name, body, request_key)


@router.post(
    "/projections/{name}/replay",
    operation_id="replay_projection",
    name="replay_projection",
    summary="Ask for another try at the events of parked streams",
    responses=answers(Repair, writes=True),
    openapi_extra=body_of(ReplayBody),
)
async def replay(
    request: Request, name: ProjectionPath, caller: Caller, key: KeyHeader = None
) -> Response:
    """What fails again stays parked. The same replay, if it has not ended, is the same one."""
    body = await read_body(request, ReplayBody)
    request_key = await read_key(request, caller, key)
    return await ask_replay(context_of(request), caller, name, body, request_key)


@router.get(
    "/projections/repairs",
    operation_id="list_repairs",
    name="list_repairs",
    summary="List replays and rebuilds that were asked for, latest first",
    responses=list_answers(Repair),
)
async def repairs(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    limit: Limit = 50,
    cursor: Cursor = None,
    form: AsForm = Form.JSON,
) -> Response:
    """Who asked and why, how far each is, and how it ended."""
    pool = context_of(request).services.pool

    async def fetch(rows: int, after: str | None) -> Page[Any]:
        return await table.list_repairs(pool, limit=rows, cursor=after)

    return await list_answer(request, fetch, Repair, limit, cursor, form)


@router.get(
    "/projections/repairs/{repair_id}",
    operation_id="get_repair",
    name="get_repair",
    summary="Show how far a replay or rebuild is",
    responses=answers(Repair),
)
async def repair(
    request: Request,
    repair_id: RepairPath,
    caller: Caller,  # noqa: ARG001  it authorises
) -> Response:
    """Its state, its position, and how it ended."""
    shown = await table.load_repair(context_of(request).services.pool, repair_id)
    if shown is None:
        raise Problem(NOT_FOUND)
    return json_answer(shown)


# --- also by forms of the console ----------------------------------------------------------------


async def ask_rebuild(
    context: Context, token: Token, name: str, body: RebuildBody, key: RequestKey
) -> Response:
    """Ask for a rebuild, once for the key; raises Problem if there is no such read model."""
    return await _ask(context, token, name, RepairKind.REBUILD, "", body.reason, key)


async def ask_replay(
    context: Context, token: Token, name: str, body: ReplayBody, key: RequestKey
) -> Response:
    """Ask for a replay, once for the key; raises Problem if there is nothing to replay."""
    stream = body.stream or ""
    return await _ask(context, token, name, RepairKind.REPLAY, stream, body.reason, key)


async def _ask(
    context: Context,
    token: Token,
    name: str,
    kind: RepairKind,
    stream: str,
    reason: str,
    key: RequestKey,
) -> Response:
    require_projection(name)
    pool = context.services.pool

    async def carry_out(_: BegunRequest) -> tuple[int, Repair]:
        if kind is RepairKind.REPLAY and not await table.is_parked(pool, name, stream):
            raise Problem(NOT_POSSIBLE, f"{name} has not parked {stream or 'any stream'}")
        version = _VERSIONS[name]
        asked = Asked(kind, name, version, stream, token.actor, reason, key.request_id)
        return 200, await table.ask(pool, asked)

    return await once(context, key, carry_out)


def require_projection(name: str) -> None:
    """Raises Problem if there is no read model of this name."""
    if name not in _VERSIONS:
        raise Problem(NOT_FOUND)
