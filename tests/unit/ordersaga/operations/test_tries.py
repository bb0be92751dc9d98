"""The attempts of steps that have ended are read from a history, whatever else is in it."""

from datetime import UTC, datetime, timedelta

from temporalio.api.history.v1 import HistoryEvent

from ordersaga.operations.tries import tries_in

BEGAN = datetime(2026, 1, 31, 14, 5, tzinfo=UTC)


def event(number: int, seconds: float) -> HistoryEvent:
    one = HistoryEvent(event_id=number)
    one.event_time.FromDatetime(BEGAN + timedelta(seconds=seconds))
    return one


def scheduled(number: int, seconds: float, activity_id: str) -> HistoryEvent:
    one = event(number, seconds)
    one.activity_task_scheduled_event_attributes.activity_id = activity_id
    return one


def started(
    number: int, seconds: float, of: int, attempt: int = 1, failure: str = ""
) -> HistoryEvent:
    one = event(number, seconds)
    attributes = one.activity_task_started_event_attributes
    attributes.scheduled_event_id, attributes.attempt = of, attempt
    if failure:
        attributes.last_failure.message = failure
    return one


def test_each_step_has_its_attempts_and_what_failed_before() -> None:
    tries = tries_in(
        [
            event(1, 0),
            scheduled(5, 1, "reserve-inventory"),
            started(6, 1, of=5),
            event(7, 2),
            scheduled(8, 3, "process-payment"),
            scheduled(9, 3, "note"),
            started(10, 4, of=9),
            started(11, 63, of=8, attempt=7, failure="payments: HTTP 503"),
        ]
    )
    assert {name: each.attempts for name, each in tries.items()} == {
        "reserve-inventory": 1,
        "note": 1,
        "process-payment": 7,
    }
    paid = tries["process-payment"]
    assert (paid.failure, paid.waited_s) == ("payments: HTTP 503", 60.0)
    assert tries["reserve-inventory"].failure is None


def test_a_step_that_has_not_ended_has_no_start_yet() -> None:
    assert tries_in([event(1, 0), scheduled(5, 1, "process-payment")]) == {}
