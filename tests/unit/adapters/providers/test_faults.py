"""Injected faults: which calls they hit, and when they release them."""

import asyncio

import pytest

from adapters.providers.faults import (
    BANK_DECISIONS,
    FAILS_AFTER,
    FAILS_BEFORE,
    WAITS_AFTER,
    WAITS_BEFORE,
    Fault,
    FaultKind,
    FaultPlan,
    delay_and_fail_after,
    delay_and_fail_before,
)


def test_every_kind_is_in_one_group() -> None:
    moments = [WAITS_BEFORE, WAITS_AFTER, FAILS_BEFORE, FAILS_AFTER, BANK_DECISIONS]
    assert sorted(kind for moment in moments for kind in moment) == sorted(FaultKind)


@pytest.mark.parametrize(
    ("fault", "hit"),
    [
        (Fault(FaultKind.UNAVAILABLE), True),
        (Fault(FaultKind.UNAVAILABLE, operation="confirm"), True),
        (Fault(FaultKind.UNAVAILABLE, operation="refund"), False),
        (Fault(FaultKind.UNAVAILABLE, order="A1"), True),
        (Fault(FaultKind.UNAVAILABLE, order="A*"), True),
        (Fault(FaultKind.UNAVAILABLE, order="B*"), False),
        (Fault(FaultKind.UNAVAILABLE, rate=0.0), False),
    ],
)
def test_a_fault_hits_the_calls_it_names(fault: Fault, hit: bool) -> None:
    assert bool(FaultPlan([fault]).hit("confirm", "A1", "key")) is hit


def test_a_fault_with_a_number_of_times_is_used_up() -> None:
    plan = FaultPlan([Fault(FaultKind.UNAVAILABLE, times=2)])
    hits = [bool(plan.hit("confirm", "A1", "key")) for _ in range(4)]
    assert hits == [True, True, False, False]
    assert plan.active()[0].hits == 2


def test_a_rate_hits_about_that_fraction_of_the_calls() -> None:
    plan = FaultPlan([Fault(FaultKind.UNAVAILABLE, rate=0.25)], seed=7)
    hits = sum(bool(plan.hit("confirm", "A", f"key-{n}")) for n in range(2000))
    assert 400 < hits < 600


def test_hits_depend_on_the_seed_and_not_on_the_order_of_calls() -> None:
    keys = [f"key-{n}" for n in range(100)]

    def hit(seed: int, order: list[str]) -> set[str]:
        plan = FaultPlan([Fault(FaultKind.UNAVAILABLE, rate=0.5)], seed)
        return {key for key in order if plan.hit("confirm", "A", key)}

    assert hit(1, keys) == hit(1, keys[::-1])
    assert hit(1, keys) != hit(2, keys)


def test_each_attempt_of_a_call_is_drawn_again() -> None:
    plan = FaultPlan([Fault(FaultKind.UNAVAILABLE, rate=0.5)])
    tries = [bool(plan.hit("confirm", "A", "key")) for _ in range(50)]
    assert len(set(tries)) == 2


def test_a_removed_fault_no_longer_hits() -> None:
    plan = FaultPlan()
    active = plan.add(Fault(FaultKind.UNAVAILABLE))
    assert plan.remove(active.number) is True
    assert plan.remove(active.number) is False
    assert plan.hit("confirm", "A", "key") == ()


async def test_a_held_call_continues_when_the_fault_is_removed() -> None:
    plan = FaultPlan()
    active = plan.add(Fault(FaultKind.HOLD_BEFORE))
    held = asyncio.create_task(delay_and_fail_before(plan.hit("confirm", "A", "key")))
    await asyncio.sleep(0)
    assert active.holding == 1
    plan.clear()
    assert await held is None
    assert active.holding == 0


async def test_a_hold_with_a_limit_ends_by_itself() -> None:
    plan = FaultPlan([Fault(FaultKind.HOLD_AFTER, delay_s=0.01)])
    assert await delay_and_fail_after(plan.hit("confirm", "A", "key")) is None


async def test_faults_apply_before_or_after_the_work() -> None:
    plan = FaultPlan([Fault(FaultKind.ANSWER_LOST), Fault(FaultKind.SERVER_ERROR)])
    hits = plan.hit("confirm", "A", "key")
    assert await delay_and_fail_before(hits) is FaultKind.SERVER_ERROR
    assert await delay_and_fail_after(hits) is FaultKind.ANSWER_LOST
