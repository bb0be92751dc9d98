"""What led to what: every act follows from another one, or came from outside."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersaga.operations.orders import TimelineEntry
from ordersaga.operations.why import explain

RUN = "01a2208b-b6f6-7a37-bcab-e3955a0f460a"
OTHER_RUN = "02a2208b-b6f6-7a37-bcab-e3955a0f460a"
BEGAN = datetime(2026, 1, 31, 14, 5, tzinfo=UTC)


def story(*events: tuple[str, str] | tuple[str, str, str]) -> list[TimelineEntry]:
    """Events as type, cause and actor, one after the other."""
    numbers = count(1)
    return [entry(next(numbers), *each) for each in events]


def entry(number: int, event_type: str, cause: str, actor: str = "saga") -> TimelineEntry:
    at = BEGAN + timedelta(seconds=number)
    return TimelineEntry(
        number, at, "order-A1", number, event_type, event_type, actor, "order-A1", cause
    )


PLACED = (("OrderCreated", "api-1", "service:shop"), ("OrderSubmitted", "api-1", "service:shop"))
RESERVED = (
    ("FulfillmentStarted", f"{RUN}/reserve-inventory"),
    ("OrderReserved", f"{RUN}/reserve-inventory"),
)
PAID = (("PaymentCaptured", f"{RUN}/process-payment"),)
REFUSED = (("StepFailed", f"{RUN}/turn-back"), ("CompensationStarted", f"{RUN}/turn-back"))
UNDONE = (("PaymentRefunded", f"{RUN}/undo-payment"), ("OrderCancelled", f"{RUN}/close"))


def test_events_with_the_same_cause_are_one_act_and_follow_from_the_act_before() -> None:
    acts = explain(story(*PLACED, *RESERVED, *PAID)).acts
    assert [(act.name, act.led_by, act.is_outside) for act in acts] == [
        ("api", (), True),
        ("reserve-inventory", (0,), False),
        ("process-payment", (1,), False),
    ]


def test_what_made_it_turn_back_and_what_was_undone_is_named() -> None:
    why = explain(story(*PLACED, *RESERVED, *PAID, *REFUSED, *UNDONE))
    assert why.turned_by is not None
    assert why.turned_by.event_type == "StepFailed"
    assert [each.event_type for each in why.undone] == ["PaymentRefunded"]
    assert why.ended_by is not None
    assert why.ended_by.event_type == "OrderCancelled"


def test_a_person_who_cancels_is_what_made_it_turn_back() -> None:
    told = ("OperatorActed", f"{RUN}/record-operators", "operator:ann")
    turned = ("CompensationStarted", f"{RUN}/turn-back")
    why = explain(story(*PLACED, *RESERVED, told, turned, *UNDONE))
    assert why.turned_by is not None
    assert why.turned_by.actor == "operator:ann"
    by_name = {act.name: act for act in why.acts}
    assert by_name["record-operators"].is_outside
    assert by_name["turn-back"].led_by == (1, 2)


def test_an_order_that_completes_has_nothing_that_turned_it() -> None:
    done = ("OrderCompleted", f"{RUN}/close-completed")
    why = explain(story(*PLACED, *RESERVED, *PAID, done))
    assert (why.turned_by, why.undone) == (None, [])


@pytest.mark.parametrize("events", [(), PLACED])
def test_an_order_without_a_saga_has_only_what_came_from_outside(
    events: tuple[tuple[str, str, str], ...],
) -> None:
    assert all(act.is_outside for act in explain(story(*events)).acts)


CAUSES = st.sampled_from(["api-1", "cli-2", f"{RUN}/a", f"{RUN}/b.2", f"{OTHER_RUN}/a", "import-3"])
TYPES = st.sampled_from(
    ["OrderSubmitted", "FulfillmentStarted", "OperatorActed", "StepFailed", "X"]
)


@given(st.lists(st.tuples(TYPES, CAUSES), min_size=1, max_size=30))
def test_each_event_is_in_one_act_and_each_act_has_a_cause(
    events: Sequence[tuple[str, str]],
) -> None:
    acts = explain(story(*events)).acts
    shown = sorted(event.position for act in acts for event in act.events)
    assert shown == list(range(1, len(events) + 1))
    for act in acts:
        assert all(number < act.number for number in act.led_by)
        assert act.led_by or act.is_outside or act.number == 0
