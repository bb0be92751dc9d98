"""Many orders at once: what an act would do to each, and then the act, under one reason."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain.ids import OrderId, parse_order_id
from ordersaga.api.acting import possible
from ordersaga.api.context import Context, context_of
from ordersaga.api.failures import invalid, problem_of
from ordersaga.console.acts import ACTS, OPERATION_OF, ActForm, Form, one
from ordersaga.console.pages import PageRoute, page
from ordersaga.console.routes.acting import admitted, carry_out_once
from ordersaga.console.sessions import AnyViewer, Viewer, read_form
from ordersaga.operations.what_if import if_cancelled, load_standing, refusal_of

router: Final = APIRouter(route_class=PageRoute)

MOST: Final = 50
TOGETHER: Final = ("hold", "resume", "retry", "cancel")
"""The acts that need nothing but a reason."""

_AT_ONCE: Final = 8
_EACH_WITHIN_S: Final = 6.0
_ALL_WITHIN_S: Final = 5.0
"""Nothing new begins after this time, so that the page comes within its limit."""

_NOT_REACHED: Final = "not reached in time: choose fewer orders, or send the form again"


@dataclass(frozen=True, slots=True)
class Row:
    """An order of the job: whether the act is possible, what it would do, what became of it."""

    order_id: str
    is_possible: bool
    effects: Sequence[str] = ()
    outcome: str = ""
    why: str = ""


@router.post("/bulk", name="bulk")
async def bulk(request: Request, viewer: AnyViewer) -> Response:
    """First what it would do; with a reason and the confirmation, do it where it is possible."""
    fields = await read_form(request, viewer)
    act = await _act(request, viewer, one(fields, "act"))
    context = context_of(request)
    chosen = [Row(order_id, is_possible=False) for order_id in _orders(fields)]
    rows = await _each(chosen, lambda row: _look(context, OrderId(row.order_id), act))
    is_done = one(fields, "confirmed") == "yes" and bool(one(fields, "reason"))
    if is_done:
        rows = await _carry_out(context, viewer, act, rows, fields)
    key = one(fields, "key") or secrets.token_hex(16)
    return await page(request, "bulk.html", act=act, rows=rows, is_done=is_done, key=key)


async def _act(request: Request, viewer: Viewer, name: str) -> ActForm:
    if name not in TOGETHER:
        raise invalid("act", f"must be one of {', '.join(TOGETHER)}")
    return await admitted(request, viewer, name)


def _orders(fields: Form) -> list[OrderId]:
    chosen = [parse_order_id(text, "order") for text in dict.fromkeys(fields.get("order", ()))]
    if not 1 <= len(chosen) <= MOST:
        raise invalid("order", f"choose 1 to {MOST} orders")
    return chosen


async def _each(rows: Sequence[Row], work: Callable[[Row], Awaitable[Row]]) -> list[Row]:
    """The work on each, some at once; what is not reached in time stays as it is, and says so."""
    slots, until = asyncio.Semaphore(_AT_ONCE), time.monotonic() + _ALL_WITHIN_S

    async def run(row: Row) -> Row:
        async with slots:
            if time.monotonic() < until:
                return await work(row)
            return replace(row, is_possible=False, outcome="unknown", why=_NOT_REACHED)

    return list(await asyncio.gather(*map(run, rows)))


async def _look(context: Context, order_id: OrderId, act: ActForm) -> Row:
    """Whether the act is possible, and what it would do; an order that cannot be read says so."""
    try:
        async with asyncio.timeout(_EACH_WITHIN_S):
            answer = await possible(context, order_id, OPERATION_OF[act.name].act)
            if not answer.possible:
                why = answer.waits_for or "the order has ended or has gone further"
                return Row(order_id, is_possible=False, why=why)
            return Row(order_id, is_possible=True, effects=await _effects(context, order_id, act))
    except Exception as error:  # noqa: BLE001  the others are shown all the same
        return Row(order_id, is_possible=False, why=_words(error))


async def _effects(context: Context, order_id: OrderId, act: ActForm) -> Sequence[str]:
    if act.name != "cancel":
        return (act.explanation,)
    standing = await load_standing(context.services.handler, order_id)
    what_if = refusal_of(lambda: if_cancelled(standing))
    return (what_if,) if isinstance(what_if, str) else what_if.effects


async def _carry_out(
    context: Context, viewer: Viewer, act: ActForm, rows: Sequence[Row], fields: Form
) -> list[Row]:
    """Each order has a key of its own, made of that of the form: sent again, nothing is twice."""

    async def run(row: Row) -> Row:
        if not row.is_possible:
            return replace(row, outcome="refused")
        mixed = f"{one(fields, 'key')} {row.order_id}".encode()
        own = {**fields, "key": (hashlib.sha256(mixed).hexdigest()[:40],)}
        try:
            async with asyncio.timeout(_EACH_WITHIN_S):
                outcome = await carry_out_once(context, viewer, OrderId(row.order_id), act, own)
            return replace(row, outcome=outcome)
        except TimeoutError:
            return replace(row, outcome="unknown", why="not answered in time: look at the order")
        except Exception as error:  # noqa: BLE001  the others are carried out all the same
            return replace(row, outcome="failed", why=_words(error))

    return await _each(rows, run)


def _words(error: Exception) -> str:
    problem = problem_of(error)
    return problem.detail or problem.type.title


def acts_together(viewer: Viewer) -> list[ActForm]:
    """The acts on many orders that the viewer has a right to."""
    return [ACTS[name] for name in TOGETHER if viewer.may(ACTS[name].operation)]
