"""Failures on purpose: which calls they hit, and when they let go."""

import asyncio

import pytest

from adapters.providers.faults import (
    FAILS_AFTER,
    FAILS_BEFORE,
    FATES,
    WAITS_AFTER,
    WAITS_BEFORE,
    Fault,
    FaultKind,
    FaultPlan,
    endure_after,
    endure_before,
)


def test_every_kind_belongs_to_one_moment() -> None:
    moments = [WAITS_BEFORE, WAITS_AFTER, FAILS_BEFORE, FAILS_AFTER, FATES]
    assert sorted(kind for moment in moments for kind in moment) == sorted(FaultKind)


@pytest.mark.parametrize(
    ("fault", "hit"),
    [
        (Fault(FaultKind.UNAVAILABLE), True),
        (Fault(FaultKind.UNAVAILABLE, operation="charge"), True),
        (Fault(FaultKind.UNAVAILABLE, operation="refund"), False),
        (Fault(FaultKind.UNAVAILABLE, order="A1"), True),
        (Fault(FaultKind.UNAVAILABLE, order="A*"), True),
        (Fault(FaultKind.UNAVAILABLE, order="B*"), False),
        (Fault(FaultKind.UNAVAILABLE, rate=0.0), False),
    ],
)
def test_a_fault_hits_the_calls_it_names(fault: Fault, hit: bool) -> None:
    assert bool(FaultPlan([fault]).strike("charge", "A1", "key")) is hit


def test_a_fault_with_a_number_of_times_is_used_up() -> None:
    plan = FaultPlan([Fault(FaultKind.UNAVAILABLE, times=2)])
    hits = [bool(plan.strike("charge", "A1", "key")) for _ in range(4)]
    assert hits == [True, True, False, False]
    assert plan.active()[0].hits == 2


def test_a_rate_hits_about_that_share_of_the_calls() -> None:
    plan = FaultPlan([Fault(FaultKind.UNAVAILABLE, rate=0.25)], seed=7)
    hits = sum(bool(plan.strike("charge", "A", f"key-{n}")) for n in range(2000))
    assert 400 < hits < 600


def test_who_is_hit_depends_on_the_seed_and_not_on_the_order_of_calls() -> None:
    keys = [f"key-{n}" for n in range(100)]

    def hit(seed: int, order: list[str]) -> set[str]:
        plan = FaultPlan([Fault(FaultKind.UNAVAILABLE, rate=0.5)], seed)
        return {key for key in order if plan.strike("charge", "A", key)}

    assert hit(1, keys) == hit(1, keys[::-1])
    assert hit(1, keys) != hit(2, keys)


def test_another_try_of_the_same_call_is_drawn_anew() -> None:
    plan = FaultPlan([Fault(FaultKind.UNAVAILABLE, rate=0.5)])
    tries = [bool(plan.strike("charge", "A", "key")) for _ in range(50)]
    assert len(set(tries)) == 2


def test_a_fault_that_was_taken_back_hits_no_more() -> None:
    plan = FaultPlan()
    active = plan.add(Fault(FaultKind.UNAVAILABLE))
    assert plan.remove(active.number) is True
    assert plan.remove(active.number) is False
    assert plan.strike("charge", "A", "key") == ()


async def test_a_held_call_goes_on_when_the_fault_is_taken_back() -> None:
    plan = FaultPlan()
    active = plan.add(Fault(FaultKind.HOLD_BEFORE))
    held = asyncio.create_task(endure_before(plan.strike("charge", "A", "key")))
    await asyncio.sleep(0)
    assert active.holding == 1
    plan.clear()
    assert await held is None
    assert active.holding == 0


async def test_a_hold_with_a_limit_goes_on_by_itself() -> None:
    plan = FaultPlan([Fault(FaultKind.HOLD_AFTER, delay_s=0.01)])
    assert await endure_after(plan.strike("charge", "A", "key")) is None


async def test_each_moment_sees_its_own_failures() -> None:
    plan = FaultPlan([Fault(FaultKind.ANSWER_LOST), Fault(FaultKind.SERVER_ERROR)])
    hits = plan.strike("charge", "A", "key")
    assert await endure_before(hits) is FaultKind.SERVER_ERROR
    assert await endure_after(hits) is FaultKind.ANSWER_LOST
