"""A short chaos: everything is killed at random, and afterwards everything adds up."""

from pathlib import Path

import pytest

from activities.keys import OrderKeys
from activities.payment_port import PaymentRequest
from domain.ids import OrderId
from domain.values import CaptureMode
from ordersaga.demo.source import SHIPPED_SAMPLE
from ordersaga.operations.verification.report import Comparison, Finding, Report, Rule
from tests.support.faults.chaos import ChaosResult, ChaosWish, run_chaos
from tests.support.stack.another_shop import AnotherShop
from tests.support.stack.chaos_shop import Settled, chaos_shop, real_orders
from tests.support.stack.payment_examples import charge
from workflows.documents.order import document_total

ORDERS = 40


@pytest.mark.parametrize("stripe", [False, True], ids=["sandbox", "stripe"])
async def test_nothing_is_lost_charged_twice_oversold_or_stuck(
    tmp_path: Path, stripe: bool
) -> None:
    wish = ChaosWish(
        SHIPPED_SAMPLE,
        tmp_path / "data",
        ORDERS,
        minutes=0.4,
        seed=20101201,
        pause_s=2,
        trouble_s=3,
        stripe=stripe,
    )
    result = await run_chaos(wish, print)
    assert result.problems == [], f"seed {wish.seed}"
    assert result.settled.attention == []
    assert result.outcomes.keys() <= {"completed", "cancelled"}
    assert result.outcomes.total() == ORDERS
    # The control: it was no calm day.
    assert result.kills.total() >= 1
    assert result.troubles.total() >= 1
    assert result.faults.total() >= 1
    assert result.restarts.keys() >= {"postgres", "temporal", "sandboxes", "worker-orders"}
    assert sum(result.restarts.values()) >= 1


async def test_the_control_a_second_charge_at_the_provider_is_found(tmp_path: Path) -> None:
    orders = real_orders(SHIPPED_SAMPLE, 3, seed=1)
    result = ChaosResult(ChaosWish(SHIPPED_SAMPLE, tmp_path / "data", 3, minutes=0, seed=1))
    async with chaos_shop(tmp_path / "data", print) as shop:
        await shop.receive_stock_for(orders, some_short=False)
        for order in orders:
            await shop.submit(order, through_temporal=True)
        result.settled = await shop.settle(120)
        result.report = await shop.verify()
        assert result.problems == []
        order_id = orders[0].document.order_id
        keys = OrderKeys(await shop.services.installation.current(), order_id)
        again = PaymentRequest(
            order_id,
            document_total(orders[0].document),
            "tok_visa",
            CaptureMode.AUTOMATIC,
            keys.payment_after(keys.payment),
            keys.installation,
        )
        another = AnotherShop(shop.services.payments())
        await another.charge([order_id])
        await charge(shop.services.payments(), again)
        result.report = await shop.verify()
        assert await another.problems(result.report) == []
        [theirs] = another.payments
        await another.gateway.refund(theirs.reference, theirs.amount, "by mistake")
        assert len(await another.problems(result.report)) == 1
    assert any("provider_" in problem for problem in result.problems)
    assert "sums differ: money kept, GBP" in result.problems
    [theirs] = result.report.foreign
    assert theirs.order_id == order_id


def test_more_orders_than_a_file_holds_are_placed_again_under_other_ids() -> None:
    orders = real_orders(SHIPPED_SAMPLE, 700, seed=3)
    assert len({order.document.order_id for order in orders}) == 700
    assert orders == real_orders(SHIPPED_SAMPLE, 700, seed=3)
    assert orders != real_orders(SHIPPED_SAMPLE, 700, seed=4)


def test_the_control_what_must_not_be_is_named() -> None:
    wish = ChaosWish(SHIPPED_SAMPLE, Path("unused"), 1, 1, 1)
    finding = Finding(Rule.PROVIDER_CANCELLED_PAYMENT, "X2", "no money", "captured 1.00 GBP")
    report = Report([finding], (), [Comparison("money kept, GBP", "0.00", "1.00")], {})
    books = ["money kept, GBP: 0.00 GBP in our events, 100 minor units in Stripe's books"]
    settled = Settled(attention=[OrderId("X4")], stuck=[OrderId("X3")])
    result = ChaosResult(wish, lost=[OrderId("X1")], settled=settled, report=report, books=books)
    for named in ("lost: order X1", "stuck: order X3", "X2", "money kept", "Stripe's books"):
        assert any(named in problem for problem in result.problems)
    assert not any("X4" in problem for problem in result.problems)  # it says that it needs a person
