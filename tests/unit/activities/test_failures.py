"""Rule: only what is known to be an answer about the order is final."""

from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment

from activities.failures import REFUSALS, TROUBLES, Trouble, application_errors
from activities.ports import (
    GatewayError,
    GatewayRefusedAccess,
    GatewayRejected,
    GatewayUnavailable,
    OutcomeUnknown,
)
from domain.errors import ImpossibleHistory, RuleBroken
from eventstore.deadline import NoTimeLeft
from eventstore.errors import (
    DuplicateEventId,
    EventStoreError,
    StoreUnavailable,
    UndecodableEvent,
    UnknownEventType,
    VersionConflict,
)

SECRET = "Jo Secretperson"

ANSWERS: list[Exception] = [GatewayRejected("bad request"), RuleBroken("rule", "not possible")]
NO_ANSWERS: list[tuple[Exception, Trouble]] = [
    (GatewayUnavailable("down"), Trouble.PROVIDER),
    (OutcomeUnknown("no answer"), Trouble.PROVIDER),
    (GatewayRefusedAccess("HTTP 401"), Trouble.PROVIDER),
    (StoreUnavailable(SECRET), Trouble.STORE),
    (NoTimeLeft("too late"), Trouble.STORE),
    (VersionConflict("order-A1", "3", 4), Trouble.STORE),
    (DuplicateEventId("stored"), Trouble.UNEXPECTED),
    (UnknownEventType("OrderEaten", 1), Trouble.UNEXPECTED),
    (UndecodableEvent("order-A1", 1, "OrderCreated", "placed_at"), Trouble.UNEXPECTED),
    (EventStoreError("anything else of the store"), Trouble.UNEXPECTED),
    (GatewayError("a kind that the port does not know"), Trouble.UNEXPECTED),
    (ImpossibleHistory(object(), object()), Trouble.UNEXPECTED),
    (ValueError(SECRET), Trouble.UNEXPECTED),
    (KeyError(SECRET), Trouble.UNEXPECTED),
    (TimeoutError(), Trouble.UNEXPECTED),
    (ExceptionGroup(SECRET, [ValueError(SECRET)]), Trouble.UNEXPECTED),
]


def failure_of(error: Exception) -> ApplicationError:
    def attempt() -> None:
        with application_errors():
            raise error

    with pytest.raises(ApplicationError) as failure:
        ActivityEnvironment().run(attempt)
    return failure.value


def name(case: Exception | tuple[Exception, Trouble]) -> str:
    return type(case[0] if isinstance(case, tuple) else case).__name__


@pytest.mark.parametrize("error", ANSWERS, ids=name)
def test_an_answer_is_final(error: Exception) -> None:
    failure = failure_of(error)
    assert failure.non_retryable
    assert failure.type in REFUSALS


@pytest.mark.parametrize("case", NO_ANSWERS, ids=name)
def test_what_is_no_answer_is_somebodys_trouble_and_retried(
    case: tuple[Exception, Trouble],
) -> None:
    error, trouble = case
    failure = failure_of(error)
    assert not failure.non_retryable
    assert TROUBLES[failure.type or ""] is trouble
    assert SECRET not in failure.message
    assert failure.__cause__ is None  # it would be written into the history


def test_the_store_that_is_away_leaves_no_trace_for_each_order_in_the_log() -> None:
    assert failure_of(StoreUnavailable("away")).category is ApplicationErrorCategory.BENIGN


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (GatewayUnavailable("later", retry_after_s=33.0), "paused"),
        (GatewayRefusedAccess("HTTP 401", retry_after_s=33.0), "access_refused"),
        (OutcomeUnknown("HTTP 500", retry_after_s=33.0), "unknown_outcome"),
    ],
    ids=["paused", "access_refused", "unknown_outcome"],
)
def test_when_to_ask_again_is_when_the_next_attempt_is_made(error: Exception, name: str) -> None:
    failure = failure_of(error)
    assert failure.type == name
    assert failure.next_retry_delay == timedelta(seconds=33)
    assert failure.category is ApplicationErrorCategory.BENIGN


@pytest.mark.parametrize("seconds", [None, 0.0])
def test_without_a_time_the_retry_policy_decides(seconds: float | None) -> None:
    failure = failure_of(GatewayUnavailable("down", retry_after_s=seconds))
    assert (failure.type, failure.next_retry_delay) == ("unavailable", None)


def test_a_failure_that_has_a_name_keeps_it() -> None:
    named = ApplicationError("held", type="still_held", non_retryable=True)
    assert failure_of(named) is named
