"""The sandboxes as a process: start, shutdown, and what survives a kill."""

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest

from activities.payment_port import PaymentRequest, PaymentStatus, ProviderPayment
from activities.ports import GatewayUnavailable, OutcomeUnknown
from adapters.payments.http import HttpPaymentGateway
from adapters.providers.faults import Fault, FaultKind
from adapters.shipping.http import HttpCarrier
from tests.support.stack.carrier_examples import HOME, label_request
from tests.support.stack.payment_examples import GBP_10, charge, payment_request
from tests.support.stack.sandboxes import SandboxProcess, running_sandboxes
from tests.support.stores.postgres_server import free_port


async def charge_until_killed(gateway: HttpPaymentGateway, answered: list[ProviderPayment]) -> None:
    while True:
        try:
            answered.append(await charge(gateway, payment_request("tok_visa")))
        except (GatewayUnavailable, OutcomeUnknown):
            return


async def test_every_answered_payment_survives_a_kill(tmp_path: Path) -> None:
    async with running_sandboxes(tmp_path) as sandboxes:
        gateway = HttpPaymentGateway(sandboxes.payment.base_url)
        answered: list[ProviderPayment] = []
        clients = [asyncio.create_task(charge_until_killed(gateway, answered)) for _ in range(8)]
        while len(answered) < 100:  # noqa: ASYNC110  another process answers
            await asyncio.sleep(0.005)
        await sandboxes.kill()
        await asyncio.gather(*clients)
        await sandboxes.start()
        kept = {payment async for payment in gateway.payments()}
        assert set(answered) <= kept
        await gateway.close()


async def test_keys_and_labels_survive_a_kill(tmp_path: Path) -> None:
    async with running_sandboxes(tmp_path) as sandboxes:
        carrier = HttpCarrier(sandboxes.carrier.base_url)
        request = label_request()
        label = await carrier.buy_label(request)
        await sandboxes.kill()
        with pytest.raises(GatewayUnavailable):
            await carrier.find(request.idempotency_key)
        await sandboxes.start()
        assert await carrier.buy_label(request) == label
        await carrier.close()


async def test_a_call_killed_before_its_answer_is_found_by_its_key(tmp_path: Path) -> None:
    async with running_sandboxes(tmp_path) as sandboxes:
        gateway = HttpPaymentGateway(sandboxes.payment.base_url)
        request = payment_request("tok_visa")
        hold = await sandboxes.payment.add(Fault(FaultKind.HOLD_AFTER, operation="confirm"))
        waiting = asyncio.create_task(charge(gateway, request))
        await sandboxes.payment.wait_until_holding(hold)
        await sandboxes.kill()
        with pytest.raises(OutcomeUnknown):
            await waiting
        await sandboxes.start()
        payment = await gateway.find(request.idempotency_key)
        assert payment is not None
        assert payment.status is PaymentStatus.CAPTURED
        await gateway.close()


async def test_sigterm_answers_held_calls_and_exits_with_zero(tmp_path: Path) -> None:
    async with running_sandboxes(tmp_path) as sandboxes:
        gateway = HttpPaymentGateway(sandboxes.payment.base_url)
        hold = await sandboxes.payment.add(Fault(FaultKind.HOLD_AFTER, operation="confirm"))
        waiting = asyncio.create_task(charge(gateway, payment_request("tok_visa")))
        await sandboxes.payment.wait_until_holding(hold)
        assert await sandboxes.stop() == 0
        assert (await waiting).status is PaymentStatus.CAPTURED
        await gateway.close()


def content_of(folder: Path, name: str) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob(f"{name}*"))


async def test_the_ledgers_hold_neither_tokens_nor_addresses(tmp_path: Path) -> None:
    async with running_sandboxes(tmp_path) as sandboxes:
        gateway = HttpPaymentGateway(sandboxes.payment.base_url)
        carrier = HttpCarrier(sandboxes.carrier.base_url)
        await charge(gateway, payment_request("tok_very_secret"))
        await carrier.buy_label(label_request())
        await gateway.close()
        await carrier.close()
    content = content_of(tmp_path, "payments.sqlite3") + content_of(tmp_path, "labels.sqlite3")
    assert b"order-C" in content
    for secret in ("tok_very_secret", HOME.name, HOME.line1, HOME.postal_code):
        assert secret.encode() not in content


async def test_a_ledger_in_use_is_durable_and_readable_by_others(tmp_path: Path) -> None:
    async with running_sandboxes(tmp_path) as sandboxes:
        gateway = HttpPaymentGateway(sandboxes.payment.base_url)
        await charge(gateway, payment_request("tok_visa"))
        other = sqlite3.connect(tmp_path / "payments.sqlite3")
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert other.execute("SELECT count(*) FROM records").fetchone() == (1,)
        other.close()
        await gateway.close()


async def test_the_same_seed_makes_the_same_calls_fail(tmp_path: Path) -> None:
    options = ["--lost-answer-rate", "0.3", "--unavailable-rate", "0.2", "--seed", "7"]
    requests = [payment_request("tok_visa") for _ in range(40)]
    runs = []
    for number in (1, 2):
        async with running_sandboxes(tmp_path / str(number), options) as sandboxes:
            runs.append(await _outcomes(sandboxes, requests))
    assert runs[0] == runs[1]
    assert {"GatewayUnavailable", "OutcomeUnknown", "captured"} == set(runs[0])


async def _outcomes(sandboxes: SandboxProcess, requests: list[PaymentRequest]) -> list[str]:
    gateway = HttpPaymentGateway(sandboxes.payment.base_url)
    tries = (charge(gateway, request) for request in requests)
    results = await asyncio.gather(*tries, return_exceptions=True)
    await gateway.close()
    return [r.status if isinstance(r, ProviderPayment) else type(r).__name__ for r in results]


async def test_latency_before_the_answer_comes_after_the_work(tmp_path: Path) -> None:
    async with running_sandboxes(tmp_path, ["--answer-latency-ms", "600000"]) as sandboxes:
        impatient = HttpPaymentGateway(sandboxes.payment.base_url, timeout_s=0.3)
        with pytest.raises(OutcomeUnknown):
            await charge(impatient, payment_request("tok_visa"))
        assert (await sandboxes.payment.health())["records"] == 1
        await impatient.close()


async def test_latency_before_the_work_delays_the_work(tmp_path: Path) -> None:
    async with running_sandboxes(tmp_path, ["--latency-ms", "600000"]) as sandboxes:
        impatient = HttpPaymentGateway(sandboxes.payment.base_url, timeout_s=0.3)
        with pytest.raises(OutcomeUnknown):
            await charge(impatient, payment_request("tok_visa"))
        assert (await sandboxes.payment.health())["records"] == 0
        await impatient.close()


async def test_a_port_in_use_ends_the_start_with_one_line(tmp_path: Path) -> None:
    async with running_sandboxes(tmp_path) as sandboxes:
        code, errors = await _start(tmp_path, *(str(port) for port in sandboxes.ports))
    assert code == 1
    assert errors.startswith("the sandboxes cannot start: ")
    assert errors.count("\n") == 1


async def test_a_broken_ledger_ends_the_start_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "labels.sqlite3").write_bytes(b"no database at all" * 100)
    code, errors = await _start(tmp_path, str(free_port()), str(free_port()))
    assert (code, errors.count("\n")) == (1, 1)
    assert "file is not a database" in errors


async def test_wrong_options_end_the_start_with_usage(tmp_path: Path) -> None:
    code, errors = await _start(tmp_path, "1", "2", "--error-rate", "7")
    assert code == 2
    assert "--error-rate" in errors


async def _start(folder: Path, payment: str, carrier: str, *more: str) -> tuple[int | None, str]:
    command = [sys.executable, "-m", "adapters.sandboxes", "--data-dir", str(folder)]
    command += ["--payment-port", payment, "--carrier-port", carrier, *more]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    return process.returncode, errors.decode()


async def test_the_whole_life_of_a_payment_adds_up(tmp_path: Path) -> None:
    async with running_sandboxes(tmp_path) as sandboxes:
        gateway = HttpPaymentGateway(sandboxes.payment.base_url)
        kept = await charge(gateway, payment_request("tok_visa"))
        given_back = await charge(gateway, payment_request("tok_visa"))
        await gateway.refund(given_back.reference, GBP_10, "refund")
        listed = [p async for p in gateway.payments()]
        assert [p.reference for p in listed] == [kept.reference, given_back.reference]
        assert sum(p.amount.minor - p.refunded.minor for p in listed) == GBP_10.minor
        await gateway.close()
