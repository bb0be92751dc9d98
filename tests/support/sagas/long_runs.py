"""Sagas at every place where they may have to go on as a new run, and what may be asked of them."""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any, Final

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from adapters.providers.faults import Fault, FaultKind
from tests.support.faults.traps import Trap, TrappedShop, store_is_down
from tests.support.sagas.sagas import Handle, new_order_id, start, until, until_status
from tests.support.sagas.shop import document
from workflows import policies

BY: Final = {"actor": "anna", "reason": "as agreed on the phone"}
SCAN: Final = {"status": "in_transit", "at": "2026-01-03T10:00:00Z"}
ELSEWHERE: Final = {
    "name": "Jo Secretperson",
    "line1": "2 Other Street",
    "city": "York",
    "postal_code": "YO1 7HH",
    "country": "GB",
}
NO_SHIP: Final = {**ELSEWHERE, "postal_code": "NOSHIP"}

Settle = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Standing:
    """A saga that stands at a place.

    Attributes:
        let_go: takes back what holds it there.
    """

    order_id: str
    handle: Handle
    let_go: Settle

    async def run_id(self) -> str:
        return str((await self.handle.describe()).run_id)

    async def is_running(self) -> bool:
        status = (await self.handle.describe()).status
        return status is not None and status.name == "RUNNING"


@dataclass(frozen=True)
class Place:
    """Where a saga stands, and what can be asked of it there.

    Attributes:
        changes: of the usual document.
        stock: pieces of its only item.
        faults: what holds it there.
        status: by which it is known to have arrived.
        wishes: what can be asked of it.
        ends: how the order ends if nobody cancels it.
    """

    name: str
    wishes: tuple[str, ...]
    status: dict[str, Any]
    changes: dict[str, Any]
    faults: tuple[tuple[str, Fault], ...] = ()
    stock: int = 10
    ends: str = "completed"

    @property
    def waits(self) -> bool:
        """Whether the saga waits for somebody, and only until a time."""
        return self.name in ("shortage", "declined")


def _down(operation: str, kind: FaultKind = FaultKind.UNAVAILABLE) -> Fault:
    return Fault(kind, operation=operation)


_LATER: Final = {"payment": {"token": "tok_visa", "capture": "on_shipment"}}
_FORWARD: Final = ("hold", "cancel", "retry", "change_address", "amend")
PLACES: Final = (
    Place("reserve", _FORWARD, {"step": "reserve_inventory"}, {}),
    Place("payment", _FORWARD, {"step": "process_payment"}, {}, (("payments", _down("confirm")),)),
    Place(
        "label",
        ("hold", "cancel", "retry"),
        {"step": "create_shipment"},
        {},
        (("carrier", _down("buy_label")),),
    ),
    Place(
        "capture",
        ("hold", "cancel", "retry"),
        {"step": "capture_payment"},
        _LATER,
        (("payments", _down("capture")),),
    ),
    Place("on_hold", ("resume", "cancel", "change_address", "amend"), {"step": "on_hold"}, {}),
    Place(
        "shortage",
        (*_FORWARD, "choose"),
        {"step": "awaiting_choice"},
        {"unavailable": {"policy": "ask"}},
        stock=1,
    ),
    Place(
        "declined",
        ("hold", "cancel", "change_address", "amend", "pay"),
        {"step": "awaiting_payment"},
        {"payment": {"token": "tok_declined", "on_decline": {"policy": "ask"}}},
    ),
    Place(
        "refused_refund",
        ("retry", "resolve"),
        {"step": "undo_payment", "needs_attention": True},
        {"address": NO_SHIP},
        (("payments", _down("refund", FaultKind.INVALID)),),
        ends="cancelled",
    ),
    Place(
        "refund_down",
        ("retry", "resolve"),
        {"step": "undo_payment", "needs_attention": True},
        {"address": NO_SHIP},
        (("payments", _down("refund")),),
        ends="cancelled",
    ),
)
WISHES: Final[dict[str, dict[str, Any]]] = {
    "hold": BY,
    "resume": BY,
    "retry": BY,
    "cancel": BY,
    "resolve": {"actor": "anna", "note": "paid back by bank transfer"},
    "change_address": {**BY, "address": ELSEWHERE},
    "amend": {**BY, "lines": []},
    "choose": {**BY, "choice": "ship_available"},
    "pay": {**BY, "token": "tok_visa"},
}
_WAITING: Final = ("on_hold", "awaiting_choice", "awaiting_payment")
CASES: Final = [(place, wish) for place in PLACES for wish in ("nothing", *place.wishes)]


async def bring_to(environment: WorkflowEnvironment, shop: TrappedShop, place: Place) -> Standing:
    """A saga that stands at a place; its clock does not run to the end of what it waits for."""
    with environment.with_time_skipping_disabled() if place.waits else nullcontext():
        return await _bring_to(environment.client, shop, place)


async def _bring_to(client: Client, shop: TrappedShop, place: Place) -> Standing:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", place.stock)
    given = [
        (getattr(shop, provider).faults, getattr(shop, provider).faults.add(fault))
        for provider, fault in place.faults
    ]
    trap = Trap(f"order-{order_id}", "reserve-inventory", "append", None, store_is_down)
    if place.name == "reserve":
        shop.traps.set.append(trap)
    options: dict[str, Any] = {}
    if place.name == "on_hold":
        options = {"start_signal": "hold", "start_signal_args": [BY]}
    handle = await start(client, order_id, document(order_id, **place.changes), **options)
    await until_status(handle, **place.status)
    if place.status["step"] not in _WAITING and place.name[:7] != "refused":
        await until(lambda: _is_patient(handle))

    async def let_go() -> None:
        trap.released.set()
        for faults, fault in given:
            faults.remove(fault.number)

    return Standing(order_id, handle, let_go)


async def _is_patient(handle: Handle) -> bool:
    return bool((await handle.query("status"))["waiting"])


async def retry_if_needed(standing: Standing) -> None:
    """Retry once the saga asks for a person, unless it ends without."""

    async def asks_or_ended() -> bool:
        return not await standing.is_running() or bool(
            (await standing.handle.query("status"))["needs_attention"]
        )

    await until(asks_or_ended)
    with suppress(WorkflowUpdateFailedError, RPCError):
        await standing.handle.execute_update("retry", BY)


def message_of(wish: str, order_id: str) -> dict[str, Any]:
    """What is sent for a wish."""
    message = dict(WISHES[wish])
    if wish == "amend":
        message["lines"] = [{"line_id": "1", "quantity": 1}]
    return message


async def fill(handle: Handle, patch: pytest.MonkeyPatch) -> None:
    """Make the present run one whose history is long; the next one begins with few events."""
    events = len((await handle.fetch_history()).events)
    patch.setattr(policies, "MOST_EVENTS", events)


async def until_it_runs_anew_or_ends(standing: Standing, before: str) -> bool:
    """Wait until the saga goes on as another run; False if it ended in the first."""

    async def anew_or_ended() -> bool:
        return await standing.run_id() != before or not await standing.is_running()

    await until(anew_or_ended)
    return await standing.run_id() != before
