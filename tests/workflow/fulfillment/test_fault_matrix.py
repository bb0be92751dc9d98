"""Every step and compensation meets every fault, with both ways to capture; no cell is left out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.payment_port import PaymentStatus, ProviderPayment
from activities.ports import LabelStatus
from adapters.payments.stripe.gateway import StripePaymentGateway
from adapters.providers.faults import FaultPlan
from adapters.sandboxes.stripe.account import AccountSettings
from adapters.sandboxes.stripe.server import create_stripe_app
from domain.values import Compensation, Outcome, Step
from ordersaga.operations.verification.report import Report
from ordersaga.operations.verification.run import verify
from tests.support.faults.fault_matrix import (
    MATRIX,
    Cell,
    Play,
    Played,
    Trouble,
    expected_attention,
    expected_reason,
    hurry,
    sources,
)
from tests.support.faults.traps import TrappedShop, TrappedStripeShop
from tests.support.faults.wrong_answers import serving
from tests.support.sagas.shop import running_workers
from tests.support.stack.stripe_sandbox import KEY

AT_ONCE = 32


@dataclass
class Results:
    """All cells after they were played and their late attempts have ended."""

    shop: TrappedShop
    played: dict[Cell, Played | BaseException]
    report: Report

    def of(self, cell: Cell) -> Played:
        result = self.played[cell]
        if isinstance(result, BaseException):
            raise result
        return result


@asynccontextmanager
async def in_memory(_: Path) -> AsyncIterator[TrappedShop]:
    yield TrappedShop()


@asynccontextmanager
async def stripe_sandbox(folder: Path) -> AsyncIterator[TrappedShop]:
    faults = FaultPlan()
    no_limits = AccountSettings(requests_per_second=0, requests_per_endpoint=0)
    app = create_stripe_app(folder / "ledger.db", settings=no_limits, faults=faults)
    async with serving(app) as port:
        gateway = StripePaymentGateway(KEY, f"http://127.0.0.1:{port}")
        yield TrappedStripeShop(gateway, faults)
        await gateway.close()


@pytest.fixture(scope="module", params=[in_memory, stripe_sandbox], ids=lambda m: m.__name__)
async def results(
    temporal: WorkflowEnvironment,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Results]:
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch)
        async with request.param(tmp_path_factory.mktemp("ledger")) as shop:
            yield await _play_all(temporal.client, shop)


async def _play_all(client: Client, shop: TrappedShop) -> Results:
    plays = {cell: Play(client, shop, cell, n) for n, cell in enumerate(MATRIX)}
    turns = asyncio.Semaphore(AT_ONCE)

    async def play(cell: Cell) -> Played:
        async with turns:
            return await plays[cell].run()

    async with running_workers(client, shop, interceptors=[shop.traps]):
        played = await asyncio.gather(*map(play, plays), return_exceptions=True)
        for late in (go for one in plays.values() for go in one.late):
            late()
        # Leaving this block waits for those attempts, and ends the ones that were killed.
    report = await verify(sources(shop))
    return Results(shop, dict(zip(plays, played, strict=True)), report)


def test_the_matrix_has_every_step_compensation_fault_and_capture() -> None:
    assert len(MATRIX) == len(set(MATRIX)) == (len(Step) + len(Compensation)) * len(Trouble) * 2
    assert [len(Step), len(Compensation), len(Trouble)] == [4, 3, 8]


@pytest.mark.parametrize("cell", MATRIX, ids=lambda cell: cell.name)
async def test_a_saga_ends_or_says_what_it_needs_and_the_ledgers_agree(
    results: Results, cell: Cell
) -> None:
    played, reason = results.of(cell), expected_reason(cell)
    ending = Outcome.CANCELLED if reason else Outcome.COMPLETED
    assert (played.outcome["outcome"], played.outcome["reason"]) == (ending, reason)
    assert played.attention == expected_attention(cell)
    findings = [
        f for f in results.report.findings if f.subject.partition("-")[0] == played.order_id
    ]
    assert findings == []
    await _require_agreement(results.shop, played, ending)
    reached = [one for one in played.activities if one.startswith(cell.activity)]
    assert bool(reached) is not cell.cannot_occur


async def _require_agreement(shop: TrappedShop, played: Played, ending: Outcome) -> None:
    """Each effect happened at most once, and a cancelled order holds nothing."""
    order_id = played.order_id
    payments = [
        payment
        async for payment in shop.dependencies.payments.payments()
        if isinstance(payment, ProviderPayment)
        and payment.order_id == order_id
        and payment.status is not PaymentStatus.UNCONFIRMED
    ]
    labels = [label async for label in shop.carrier.labels() if label.order_id == order_id]
    assert len(payments) <= 1
    assert len(labels) <= 1
    stock, types = await shop.stock(f"{order_id}-sku"), await shop.story(order_id)
    assert types.count("FulfillmentClosed") == 1
    ends = {Outcome.COMPLETED: "OrderCompleted", Outcome.CANCELLED: "OrderCancelled"}
    assert [name for name in types if name in ends.values()] == [ends[ending]]
    if ending is Outcome.COMPLETED:
        assert [(p.status, p.amount.minor) for p in payments] == [(PaymentStatus.CAPTURED, 300)]
        assert [(x.status, x.tracking_number) for x in labels] == [
            (LabelStatus.LIVE, played.outcome["tracking_number"])
        ]
        assert (stock.on_hand, stock.reserved) == (8, 0)
    else:
        gone = {PaymentStatus.VOIDED, PaymentStatus.REFUNDED, PaymentStatus.DECLINED}
        assert {p.status for p in payments} <= gone
        assert LabelStatus.LIVE not in {label.status for label in labels}
        assert stock.reserved == 0


async def test_the_sums_of_money_labels_and_pieces_agree_over_all_cells(results: Results) -> None:
    assert results.report.findings == []
    assert [c for c in results.report.comparisons if not c.equal] == []
