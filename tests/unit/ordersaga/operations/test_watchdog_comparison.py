"""What the watchdog makes of an order and its saga: every case in a table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import OrderId
from ordersaga.findings.observation import Kind
from ordersaga.operations.watchdog.comparison import (
    QUIET_AFTER,
    UNPOLLED_AFTER,
    UNTAKEN_AFTER,
    OrderFacts,
    QueueFacts,
    RunFacts,
    judge_order,
    judge_queues,
)

NOW: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
SILENT_AFTER: Final = timedelta(minutes=15)
A1: Final = OrderId("A1")
MOMENT: Final = timedelta(milliseconds=1)


def order(age: timedelta = QUIET_AFTER, *, is_open: bool = True, waits: bool = False) -> OrderFacts:
    return OrderFacts(is_open, waits, NOW - age)


RUNNING: Final = RunFacts("run-1", "OrderFulfillment", "running")
QUIET: Final = order()
BUSY: Final = order(QUIET_AFTER - MOMENT)
SILENT: Final = order(SILENT_AFTER)
ENDED: Final = order(timedelta(days=9), is_open=False)


def run(status: str) -> RunFacts:
    return replace(RUNNING, status=status)


CASES: Final = {
    # an order that works
    "running": (QUIET, RUNNING, None),
    "running before its order is recorded": (None, RUNNING, None),
    "running after its order has ended": (ENDED, RUNNING, None),
    "running, almost silent": (order(SILENT_AFTER - MOMENT), RUNNING, None),
    "silent, and its saga shows why": (SILENT, replace(RUNNING, waits=True), None),
    "silent, and it waits for stock": (order(SILENT_AFTER, waits=True), RUNNING, None),
    "not started yet": (BUSY, None, None),
    "its saga has just ended": (BUSY, run("completed"), None),
    # an order that has ended, or that nobody knows
    "ended, and its saga": (ENDED, run("completed"), None),
    "ended, and Temporal forgot its saga": (ENDED, None, None),
    "ended, and a later run was refused": (ENDED, run("failed"), None),
    "a document that was refused": (None, run("failed"), None),
    "neither side knows it": (None, None, None),
    # what a person must know of
    "terminated": (QUIET, run("terminated"), Kind.TERMINATED),
    "failed": (QUIET, run("failed"), Kind.FAILED),
    "timed out": (QUIET, run("timed_out"), Kind.TIMED_OUT),
    "no saga": (QUIET, None, Kind.NO_SAGA),
    "its saga ended and left it open": (QUIET, run("completed"), Kind.NO_SAGA),
    "its saga was cancelled and left it open": (QUIET, run("canceled"), Kind.NO_SAGA),
    "a status that is not known": (QUIET, run("status 77"), Kind.NO_SAGA),
    "paused": (BUSY, run("paused"), Kind.PAUSED),
    "paused before its first step": (None, run("paused"), Kind.PAUSED),
    "its task fails": (BUSY, replace(RUNNING, failing_task="a bug"), Kind.TASK_FAILING),
    "its task fails on its input": (None, replace(RUNNING, failing_task="x"), Kind.TASK_FAILING),
    "wrong type": (QUIET, replace(RUNNING, workflow_type="Other"), Kind.WRONG_TYPE),
    "wrong type without an order": (None, replace(RUNNING, workflow_type="X"), Kind.WRONG_TYPE),
    "wrong type that ended": (QUIET, RunFacts("r", "Other", "completed"), Kind.NO_SAGA),
    "silent": (SILENT, RUNNING, Kind.SILENT),
}


@pytest.mark.parametrize("case", CASES)
def test_an_order_and_its_saga_are_judged(case: str) -> None:
    facts, its_run, kind = CASES[case]
    seen = judge_order(A1, facts, its_run, NOW, SILENT_AFTER)
    assert (seen and seen.kind) == kind
    if seen:
        assert (seen.subject, seen.order_id) == ("order-A1", A1)
        assert seen.run_id == (its_run and its_run.run_id)
        assert "`" in seen.action  # a command that ends it, or shows where it stands


def test_every_finding_about_an_order_has_a_case() -> None:
    assert {kind for _, _, kind in CASES.values()} == {None, *Kind} - {Kind.NO_WORKERS}


STATUSES = ("running", "paused", "completed", "failed", "terminated", "timed_out", "canceled")
ages = st.timedeltas(timedelta(0), timedelta(days=400))
orders = st.none() | st.builds(order, ages, is_open=st.booleans(), waits=st.booleans())
runs = st.none() | st.builds(
    RunFacts,
    st.just("run-1"),
    st.sampled_from(("OrderFulfillment", "Other")),
    st.sampled_from(STATUSES),
    st.none() | st.just("a bug"),
    st.booleans(),
)


@given(orders, runs)
def test_an_order_that_has_ended_is_a_finding_only_for_a_run_that_is_open(
    facts: OrderFacts | None, its_run: RunFacts | None
) -> None:
    seen = judge_order(A1, facts, its_run, NOW, SILENT_AFTER)
    if seen is not None and not (facts and facts.is_open):
        assert its_run is not None
        assert its_run.is_open


@given(orders.filter(lambda facts: facts is not None and facts.is_open), runs)
def test_an_open_order_without_an_open_run_is_a_finding_once_it_is_quiet(
    facts: OrderFacts, its_run: RunFacts | None
) -> None:
    seen = judge_order(A1, facts, its_run, NOW, SILENT_AFTER)
    if its_run is None or not its_run.is_open:
        assert (seen is not None) == (NOW - facts.last_event_at >= QUIET_AFTER)


@given(runs, ages)
def test_an_order_that_waits_is_never_silent(its_run: RunFacts | None, age: timedelta) -> None:
    seen = judge_order(A1, order(age, waits=True), its_run, NOW, SILENT_AFTER)
    assert seen is None or seen.kind is not Kind.SILENT


# --- task queues ---------------------------------------------------------------------------------

LONG: Final = timedelta(minutes=1)
QUEUES: Final = {
    "idle, and long polled": (0, timedelta(0), LONG, False),
    "idle, without workers": (0, timedelta(0), None, False),
    "a task that has just come": (1, UNTAKEN_AFTER - MOMENT, None, False),
    "busy workers that still ask": (900, LONG, UNPOLLED_AFTER - MOMENT, False),
    "tasks, and nobody asks any more": (1, UNTAKEN_AFTER, UNPOLLED_AFTER, True),
    "tasks, and nobody ever asked": (1, UNTAKEN_AFTER, None, True),
}


@pytest.mark.parametrize("case", QUEUES)
def test_a_queue_is_judged(case: str) -> None:
    backlog, age, poll, is_finding = QUEUES[case]
    seen = judge_queues([QueueFacts("payments", backlog, age, poll)])
    assert [each.key for each in seen] == [(Kind.NO_WORKERS, "payments")] * is_finding


def test_two_kinds_of_tasks_in_one_queue_are_one_finding() -> None:
    overdue = QueueFacts("orders", 1, LONG, None)
    assert len(judge_queues([overdue, overdue])) == 1
