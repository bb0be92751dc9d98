"""Records one history of each course that a workflow can take, for the replay test.

Run it from the repository's root after a deliberate change of a workflow's course. Keep the files
of a released version as long as its workflows may be open. Without names it records all:

    .venv/bin/python -m tests.support.sagas.record_histories [NAME]...
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from temporalio.client import WorkflowFailureError, WorkflowHistory
from temporalio.testing import WorkflowEnvironment

from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.record_job_histories import JOB_PATHS, record_job
from tests.support.sagas.record_later_histories import LATER_PATHS, record_later
from tests.support.sagas.sagas import Handle, result, start, until_listed_as, until_status
from tests.support.sagas.shop import Shop, document, running_workers
from tests.support.sagas.temporal import time_skipping_server
from workflows import policies

FOLDER = Path(__file__).parents[2] / "workflow" / "histories"
BY = {"actor": "anna", "reason": "as agreed"}

VERSION = "v1"
"""The version in the names of the files."""

Drive = Callable[[Shop, Handle], Awaitable[None]]


async def _nothing(shop: Shop, handle: Handle) -> None:
    """Let the saga run."""


async def _cancel(shop: Shop, handle: Handle) -> None:
    await until_status(handle, step="process_payment")
    await handle.signal("cancel", BY)
    shop.payments.faults.clear()


async def _cancel_natively(shop: Shop, handle: Handle) -> None:
    await until_status(handle, step="process_payment")
    await handle.cancel()
    shop.payments.faults.clear()


async def _retry_when_needed(shop: Shop, handle: Handle) -> None:
    await until_status(handle, needs_attention=True)
    shop.payments.faults.clear()
    await handle.execute_update("retry", BY)


async def _retry_before_anybody_is_told(shop: Shop, handle: Handle) -> None:
    shop.notifications.failures.extend([RuntimeError("the pager is down")] * 1000)
    await _retry_when_needed(shop, handle)


async def _let_it_recover(shop: Shop, handle: Handle) -> None:
    await until_listed_as(handle, "waiting_for_provider")
    shop.payments.faults.clear()


async def _let_it_be_undone(shop: Shop, handle: Handle) -> None:
    await until_status(handle, needs_attention=True)
    shop.payments.faults.clear()


async def _hold_and_resume(shop: Shop, handle: Handle) -> None:
    await until_status(handle, step="process_payment")
    await handle.execute_update("hold", BY)
    shop.payments.faults.clear()
    await until_status(handle, step="on_hold")
    await handle.execute_update("resume", BY)


async def _scan(shop: Shop, handle: Handle) -> None:
    await until_status(handle, step="process_payment")
    await handle.signal("carrier_update", {"status": "in_transit", "at": "2026-01-03T10:00:00Z"})
    shop.payments.faults.clear()


def _choose(choice: str) -> Drive:
    async def drive(shop: Shop, handle: Handle) -> None:
        await until_status(handle, step="awaiting_choice")
        await handle.execute_update("choose", {**BY, "choice": choice})

    return drive


async def _wait_until_it_arrives(shop: Shop, handle: Handle) -> None:
    await _choose("wait")(shop, handle)
    await until_status(handle, step="awaiting_stock")
    await shop.receive(f"{handle.id.removeprefix('order-')}-sku", 1, "second")
    await handle.signal("stock_arrived", {})


async def _amend_after_payment(shop: Shop, handle: Handle, *then: Fault) -> None:
    await until_status(handle, step="process_payment")
    await handle.execute_update("hold", BY)
    shop.payments.faults.clear()
    for fault in then:
        shop.payments.faults.add(fault)
    await until_status(handle, step="on_hold")
    lines = [{"line_id": "1", "quantity": 1}]
    await handle.execute_update("amend", {**BY, "lines": lines})
    await handle.execute_update("resume", BY)


async def _amend_and_retry(shop: Shop, handle: Handle) -> None:
    await _amend_after_payment(shop, handle, _NO_REFUND)
    await _retry_when_needed(shop, handle)


async def _pay(_: Shop, handle: Handle) -> None:
    await until_status(handle, step="awaiting_payment")
    await handle.execute_update("pay", {**BY, "token": "tok_visa"})


async def _change_address(shop: Shop, handle: Handle) -> None:
    await until_status(handle, step="process_payment")
    await handle.execute_update("change_address", {**BY, "address": ELSEWHERE})
    shop.payments.faults.clear()


ELSEWHERE = {
    "name": "Jo Movedperson",
    "line1": "2 Secret Street",
    "city": "York",
    "postal_code": "YO1 7HH",
    "country": "GB",
}
_SERVICES = {
    "lines": [{"kind": "digital", "description": "E-book", "quantity": 1, "unit_price_minor": 900}]
}
_NO_SHIP = {
    "name": "Jo",
    "line1": "1 Lane",
    "city": "Leeds",
    "postal_code": "NOSHIP",
    "country": "GB",
}
_ASK_FOR_PAYMENT = {"payment": {"token": "tok_declined", "on_decline": {"policy": "ask"}}}
_ASK = {"unavailable": {"policy": "ask"}}
_HELD = Fault(FaultKind.HOLD_BEFORE, operation="confirm")
_NO_REFUND = Fault(FaultKind.INVALID, operation="refund")
_NO_REFUND_NOW = Fault(FaultKind.UNAVAILABLE, operation="refund")
_NO_CHARGE = Fault(FaultKind.UNAVAILABLE, operation="confirm")

PATHS: dict[str, tuple[dict[str, Any], int, tuple[Fault, ...], Drive]] = {
    "happy": ({}, 10, (), _nothing),
    "on-shipment": (
        {"payment": {"token": "tok_visa", "capture": "on_shipment"}},
        10,
        (),
        _nothing,
    ),
    "out-of-stock": ({}, 0, (), _nothing),
    "declined": ({"payment": {"token": "tok_declined"}}, 10, (), _nothing),
    "address-refused": ({"address": _NO_SHIP}, 10, (), _nothing),
    "outage-awaited": ({}, 10, (_NO_CHARGE,), _let_it_recover),
    "outage-too-long": ({"on_outage": {"cancel_after": 120}}, 10, (_NO_CHARGE,), _nothing),
    "undone-after-attention": ({"address": _NO_SHIP}, 10, (_NO_REFUND_NOW,), _let_it_be_undone),
    "cancelled": ({}, 10, (_HELD,), _cancel),
    "cancelled-natively": ({}, 10, (_HELD,), _cancel_natively),
    "hold-and-resume": ({}, 10, (_HELD,), _hold_and_resume),
    "scanned": ({}, 10, (_HELD,), _scan),
    "attention-and-retry": ({"address": _NO_SHIP}, 10, (_NO_REFUND,), _retry_when_needed),
    "attention-with-pager-down": (
        {"address": _NO_SHIP},
        10,
        (_NO_REFUND,),
        _retry_before_anybody_is_told,
    ),
    "short-ships-available": ({"unavailable": {"policy": "ship_available"}}, 1, (), _nothing),
    "short-deadline-passed": ({"unavailable": {"policy": "wait"}}, 1, (), _nothing),
    "asked-ships-available": (_ASK, 1, (), _choose("ship_available")),
    "asked-waits": (_ASK, 1, (), _wait_until_it_arrives),
    "asked-cancels": (_ASK, 0, (), _choose("cancel")),
    "asked-pays": (_ASK_FOR_PAYMENT, 10, (), _pay),
    "amended-after-payment": ({}, 10, (_HELD,), _amend_after_payment),
    "address-changed": ({}, 10, (_HELD,), _change_address),
    "services": (_SERVICES, 0, (), _nothing),
    "amended-and-retried": ({}, 10, (_HELD,), _amend_and_retry),
}


def _clock(environment: WorkflowEnvironment, name: str) -> AbstractContextManager[None]:
    """A customer who is asked answers in real time: the clock must not run to the deadline."""
    return environment.with_time_skipping_disabled() if name.startswith("asked") else nullcontext()


@asynccontextmanager
async def played(environment: WorkflowEnvironment, name: str) -> AsyncIterator[tuple[Shop, Handle]]:
    """A saga that has taken a course to its end; its workers still run."""
    client = environment.client
    changes, stock, faults, drive = PATHS[name]
    shop, order_id = Shop(), name
    for fault in faults:
        shop.payments.faults.add(fault)
    if stock:
        await shop.receive(f"{order_id}-sku", stock)
    async with running_workers(client, shop):
        with _clock(environment, name):
            content = document(order_id, **changes)
            handle = await start(client, order_id, content)
        await drive(shop, handle)
        try:
            await result(handle)
        except WorkflowFailureError:  # a native cancel ends like this
            assert name == "cancelled-natively"
        yield shop, handle


async def record(environment: WorkflowEnvironment, name: str, folder: Path) -> Path:
    """Run one saga and write its history."""
    async with played(environment, name) as (_, handle):
        history = await handle.fetch_history()
    return write(folder / f"order-{name}.{VERSION}.json", history)


def write(path: Path, history: WorkflowHistory) -> Path:
    """Write a history without the names of the machine that recorded it."""
    path.write_text(json.dumps(_scrubbed(history.to_json_dict()), indent=1) + "\n", "utf-8")
    return path


def _scrubbed(value: Any) -> Any:
    """Without parts that replays ignore."""
    if isinstance(value, dict):
        private = {"stackTrace", "identity"}
        if value.get("kind") == "TASK_QUEUE_KIND_STICKY":
            private.add("name")  # of the worker's process and its host
        return {key: _scrubbed(part) for key, part in value.items() if key not in private}
    return [_scrubbed(part) for part in value] if isinstance(value, list) else value


async def _main(names: Collection[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    first = replace(policies.USUAL.first, maximum_attempts=2)
    with patch.object(policies, "USUAL", replace(policies.USUAL, first=first)):
        await _record_all(names or {*PATHS, *LATER_PATHS, *JOB_PATHS})


async def _record_all(names: Collection[str]) -> None:
    async with time_skipping_server() as environment:
        for name in names:
            if name in PATHS:
                print(await record(environment, name, FOLDER))  # noqa: T201  a script
            later = await record_later(environment.client, name)
            for workflow_id, history in later + await record_job(environment.client, name):
                print(write(FOLDER / f"{workflow_id}.{VERSION}.json", history))  # noqa: T201  a script


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
    os._exit(0)  # at a normal exit the SDK's threads may abort the interpreter
