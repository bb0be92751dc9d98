"""The stand-in for Stripe as a process: faults at every call, control, and what survives a kill."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import stripe

from adapters.providers.connections import AnswerTooLong
from adapters.providers.faults import STRIPE_ONLY, Fault, FaultKind
from adapters.sandboxes.stripe.endpoints import ENDPOINTS
from tests.support.stack.sandboxes import running_sandboxes
from tests.support.stack.stripe_rules import Server, code_of, refused
from tests.support.stack.stripe_sandbox import (
    KEY,
    StripeSandboxProcess,
    running_stripe_sandbox,
    stripe_package,
)
from tests.support.stores.postgres_server import free_port

STATUS = {
    FaultKind.UNAVAILABLE: 503,
    FaultKind.REJECTED: 401,
    FaultKind.INVALID: 400,
    FaultKind.SERVER_ERROR: 500,
    FaultKind.SAVED_ERROR: 500,
    FaultKind.SAVED_ERROR_AFTER: 500,
    FaultKind.IN_WORK: 409,
    FaultKind.RATE_LIMITED: 429,
    FaultKind.LOCKED: 429,
}
NOTHING_DONE = {kind for kind in STATUS if kind is not FaultKind.SAVED_ERROR_AFTER} | {
    FaultKind.REQUEST_LOST
}
NO_ANSWER = {
    FaultKind.REQUEST_LOST: aiohttp.ClientError,
    FaultKind.ANSWER_LOST: aiohttp.ClientError,
    FaultKind.HUGE_ANSWER: AnswerTooLong,
    FaultKind.GARBAGE: stripe.APIError,
}
CHANGES = ["create", "confirm", "capture", "cancel", "refund"]


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with (
        running_stripe_sandbox(tmp_path_factory.mktemp("stripe")) as sandbox,
        stripe_package(sandbox.url) as client,
    ):
        yield Server(sandbox.url, client, sandbox.control)


async def prepared(server: Server, operation: str) -> str:
    """The payment intent that an operation is tried on."""
    if operation == "refund":
        return (await server.paid()).id
    if operation == "capture":
        return (await server.held()).id
    return (await server.intent(payment_method="pm_card_visa")).id


async def do(server: Server, operation: str, intent: str, key: str) -> Any:
    options: Any = {"idempotency_key": key}
    intents = server.client.payment_intents
    if operation == "create":
        return await server.intent(key, metadata={"order_id": key})
    if operation == "refund":
        return await server.refund(intent, key)
    return await getattr(intents, f"{operation}_async")(intent, {}, options)


async def state(server: Server, operation: str, intent: str, key: str) -> object:
    """What an operation changes, as seen from outside."""
    if operation == "create":
        listed = await server.client.payment_intents.list_async({"limit": 100})
        return sum(each.metadata.to_dict() == {"order_id": key} for each in listed.data)
    if operation == "refund":
        return (await server.charge_of(intent)).amount_refunded
    return (await server.client.payment_intents.retrieve_async(intent)).status


@pytest.mark.parametrize("operation", CHANGES)
@pytest.mark.parametrize("kind", sorted({*STATUS, *NO_ANSWER}))
async def test_each_fault_at_each_change_does_what_it_says(
    server: Server, operation: str, kind: FaultKind
) -> None:
    key = f"{operation} {kind}"
    intent = await prepared(server, operation)
    before = await state(server, operation, intent, key)
    await server.control.add(Fault(kind, operation=operation, times=1))
    with pytest.raises((stripe.StripeError, aiohttp.ClientError)) as caught:
        await do(server, operation, intent, key)
    if kind in STATUS:
        assert isinstance(caught.value, stripe.StripeError)
        assert caught.value.http_status == STATUS[kind]
    else:
        assert isinstance(caught.value, NO_ANSWER[kind])
    after = await state(server, operation, intent, key)
    assert (after == before) == (kind in NOTHING_DONE)
    if kind in (FaultKind.SAVED_ERROR, FaultKind.SAVED_ERROR_AFTER):
        error = await refused(do(server, operation, intent, key))
        assert error.http_status == 500
        assert await state(server, operation, intent, key) == after
    else:
        await do(server, operation, intent, key)
        done = await state(server, operation, intent, key)
        await do(server, operation, intent, key)
        assert await state(server, operation, intent, key) == done != before


@pytest.mark.parametrize("kind", sorted({*STATUS, *NO_ANSWER}))
async def test_reads_fail_as_well(server: Server, kind: FaultKind) -> None:
    # A client may ask again by itself if a connection that it has used before was closed.
    fault = await server.control.add(Fault(kind, operation="list"))
    with pytest.raises((stripe.StripeError, aiohttp.ClientError)):
        await server.client.payment_intents.list_async()
    await server.control.remove(fault)
    assert (await server.client.payment_intents.list_async()).object == "list"


async def test_a_fault_can_hit_one_order_only(server: Server) -> None:
    hit = await server.intent(metadata={"order_id": "hit"})
    await server.control.add(Fault(FaultKind.UNAVAILABLE, order="hit", times=2))
    error = await refused(server.intent(metadata={"order_id": "hit"}))
    assert error.http_status == 503
    other = await server.intent(metadata={"order_id": "missed"})
    assert (await refused(server.client.payment_intents.cancel_async(hit.id))).http_status == 503
    assert (await server.client.payment_intents.cancel_async(other.id)).status == "canceled"


async def test_retry_after_is_sent_if_asked_for(server: Server) -> None:
    fault = Fault(FaultKind.RATE_LIMITED, operation="balance", times=1, delay_s=7)
    await server.control.add(fault)
    error = await refused(server.client.balance.retrieve_async())
    assert error.headers is not None
    assert (code_of(error), error.headers["Retry-After"]) == ("rate_limit", "7")


async def test_each_operation_is_in_the_list_of_calls(server: Server) -> None:
    await server.intent("listed", metadata={"order_id": "L1"})
    call = {"operation": "create", "order_id": "L1", "idempotency_key": "listed"}
    assert call in await server.control.calls("create")
    assert len({endpoint.operation for endpoint in ENDPOINTS}) == len(ENDPOINTS)


async def test_control_refuses_what_it_does_not_know(server: Server) -> None:
    async with aiohttp.ClientSession(server.url) as session:
        for path, body in (
            ("settings", {"colour": "red"}),
            ("settings", {"search": "sometimes"}),
            ("clock", {"advance_s": -1}),
            ("keys", {"key": "sk_live_real"}),
            ("faults", {"kind": "unicorn"}),
        ):
            async with session.post(f"/control/{path}", json=body) as answer:
                assert answer.status == 400, path


async def test_the_other_sandboxes_refuse_faults_of_stripe(tmp_path: Path) -> None:
    async with running_sandboxes(tmp_path) as sandboxes:
        for kind in sorted(STRIPE_ONLY):
            with pytest.raises(aiohttp.ClientResponseError) as caught:
                await sandboxes.payment.add(Fault(kind))
            assert caught.value.status == 422


async def test_the_ledger_adds_up_whatever_happens(tmp_path: Path) -> None:
    async with running_stripe_sandbox(tmp_path) as sandbox, stripe_package(sandbox.url) as client:
        server = Server(sandbox.url, client, sandbox.control)
        await server.refund((await server.paid()).id, amount=300)
        held = await server.held()
        await client.payment_intents.capture_async(held.id, {"amount_to_capture": 700})
        await server.held()
        await client.payment_intents.cancel_async((await server.held()).id)
        await refused(server.paid("pm_card_chargeDeclined"))
        assert await sandbox.control.ledger() == {
            "captured": {"gbp": 1700},
            "refunded": {"gbp": 300},
            "held": {"gbp": 1000},
            "payment_intents": {
                "succeeded": 2,
                "requires_capture": 1,
                "canceled": 1,
                "requires_payment_method": 1,
            },
        }


async def pay_until_killed(server: Server, answered: list[str]) -> None:
    while True:
        try:
            answered.append((await server.paid()).id)
        except (aiohttp.ClientError, stripe.StripeError):
            return


async def test_every_answered_payment_survives_a_kill(tmp_path: Path) -> None:
    async with running_stripe_sandbox(tmp_path) as sandbox, stripe_package(sandbox.url) as client:
        server = Server(sandbox.url, client, sandbox.control)
        answered: list[str] = []
        payers = [asyncio.create_task(pay_until_killed(server, answered)) for _ in range(8)]
        while len(answered) < 60:  # noqa: ASYNC110  another process answers
            await asyncio.sleep(0.005)
        await sandbox.kill()
        await asyncio.gather(*payers)
        await sandbox.start()
        listing = await client.payment_intents.list_async({"limit": 100})
        kept = {intent.id async for intent in listing.auto_paging_iter()}
        assert set(answered) <= kept


async def test_the_account_survives_a_kill(tmp_path: Path) -> None:
    async with running_stripe_sandbox(tmp_path) as sandbox, stripe_package(sandbox.url) as client:
        server = Server(sandbox.url, client, sandbox.control)
        await sandbox.control.settings(search="refused")
        await sandbox.control.key("rk_test_reader", rights=["rak_balance_read"])
        moved = await sandbox.control.advance(1_000_000)
        saved = await server.intent("saved")
        await sandbox.kill()
        await sandbox.start()
        assert await sandbox.control.advance(0) >= moved
        assert (await server.intent("saved")).id == saved.id
        await refused(client.payment_intents.search_async({"query": "status:'x'"}))
        async with stripe_package(sandbox.url, "rk_test_reader") as reader:
            assert await reader.balance.retrieve_async()


async def test_a_charge_that_was_killed_is_made_once_by_its_key(tmp_path: Path) -> None:
    async with running_stripe_sandbox(tmp_path) as sandbox, stripe_package(sandbox.url) as client:
        server = Server(sandbox.url, client, sandbox.control)
        fault = await sandbox.control.add(Fault(FaultKind.HOLD_BEFORE, operation="bank"))
        paying: dict[str, Any] = {"payment_method": "pm_card_visa", "confirm": True}
        charge = asyncio.create_task(server.intent("killed", **paying))
        await sandbox.control.wait_until_holding(fault)
        (open_one,) = (await client.payment_intents.list_async()).data
        assert open_one.status == "requires_confirmation"
        await sandbox.kill()
        await asyncio.gather(charge, return_exceptions=True)
        await sandbox.start()
        paid = await server.intent("killed", **paying)
        assert (paid.id, paid.status) == (open_one.id, "succeeded")
        assert len((await client.payment_intents.list_async()).data) == 1
        assert (await sandbox.control.ledger())["captured"] == {"gbp": 1000}


async def test_sigterm_answers_held_calls_and_exits_with_zero(tmp_path: Path) -> None:
    sandbox = StripeSandboxProcess(tmp_path)
    await sandbox.start()
    async with stripe_package(sandbox.url) as client:
        hold = await sandbox.control.add(Fault(FaultKind.HOLD_AFTER, operation="create"))
        waiting = asyncio.create_task(Server(sandbox.url, client).intent())
        await sandbox.control.wait_until_holding(hold)
        assert await sandbox.stop() == 0
        assert (await waiting).id


def content_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("stripe.sqlite3*"))


async def test_the_ledger_holds_no_api_key(tmp_path: Path) -> None:
    async with running_stripe_sandbox(tmp_path) as sandbox, stripe_package(sandbox.url) as client:
        await Server(sandbox.url, client).paid()
    content = content_of(tmp_path)
    assert b"pm_card_visa" in content
    assert KEY.encode() not in content


async def test_what_cannot_start_ends_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "stripe.sqlite3").write_bytes(b"no database at all" * 100)
    code, errors = await _start(tmp_path, "--port", str(free_port()))
    assert (code, errors.count("\n")) == (1, 1)
    assert "file is not a database" in errors
    for option, value in (("--requests-per-second", "-1"), ("--search-lag-s", "nan")):
        code, errors = await _start(tmp_path, option, value)
        assert (code, option in errors) == (2, True)


async def _start(folder: Path, *more: str) -> tuple[int | None, str]:
    command = [sys.executable, "-m", "adapters.sandboxes.stripe", "--data-dir", str(folder), *more]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    return process.returncode, errors.decode()


async def test_a_ledger_in_use_is_durable_and_readable_by_others(tmp_path: Path) -> None:
    async with running_stripe_sandbox(tmp_path) as sandbox, stripe_package(sandbox.url) as client:
        await Server(sandbox.url, client).intent()
        other = sqlite3.connect(tmp_path / "stripe.sqlite3")
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert other.execute("SELECT count(*) FROM objects").fetchone() == (1,)
        other.close()
