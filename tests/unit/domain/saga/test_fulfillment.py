from dataclasses import replace

import pytest

from domain.errors import ImpossibleHistory, InvalidValue
from domain.fields import MAX_ACTOR
from domain.notes import cut
from domain.saga import trail as fulfillment
from domain.saga.commands import (
    AddNote,
    CloseFulfillment,
    FulfillmentCommand,
    RecordCompensationFailure,
    RecordOperatorAction,
    RecordStepFailure,
    RequireAttention,
    StartCompensation,
    StartFulfillment,
)
from domain.saga.events import (
    AttentionRequired,
    CompensationFailed,
    CompensationStarted,
    FulfillmentClosed,
    FulfillmentStarted,
    NoteAdded,
    OperatorActed,
    StepFailed,
)
from domain.values import Compensation, FailureKind, Outcome, Reason, Step
from tests.support.sagas.domain_samples import ORDER
from tests.support.sagas.specification import Specification

spec = Specification(fulfillment.decide, fulfillment.evolve, fulfillment.INITIAL)
STARTED = FulfillmentStarted(ORDER, "order-A1", "run-1")
DECLINED = StepFailed(
    Step.PROCESS_PAYMENT, FailureKind.REFUSED, Reason.PAYMENT_DECLINED, "insufficient_funds"
)
TURNED = CompensationStarted(Reason.PAYMENT_DECLINED, "insufficient_funds")
STUCK = CompensationFailed(Compensation.UNDO_PAYMENT, "the provider is down")
HELP = AttentionRequired("undo_payment", "the provider must come back")
ACTED = OperatorActed("cli:ann", "retry", "provider is back")
COMPLETED = FulfillmentClosed(Outcome.COMPLETED, None, "")
CANCELLED = FulfillmentClosed(Outcome.CANCELLED, Reason.PAYMENT_DECLINED, "insufficient_funds")

START = StartFulfillment(ORDER, "order-A1", "run-1")
FAIL = RecordStepFailure(
    Step.PROCESS_PAYMENT, FailureKind.REFUSED, Reason.PAYMENT_DECLINED, "insufficient_funds"
)
TURN = StartCompensation(Reason.PAYMENT_DECLINED, "insufficient_funds")
GIVE_UP = RecordCompensationFailure(Compensation.UNDO_PAYMENT, "the provider is down")
ASK = RequireAttention("undo_payment", "the provider must come back")
ACT = RecordOperatorAction("cli:ann", "retry", "provider is back")
CLOSE_GOOD = CloseFulfillment(Outcome.COMPLETED, None, "")
CLOSE_BAD = CloseFulfillment(Outcome.CANCELLED, Reason.PAYMENT_DECLINED, "insufficient_funds")


def test_a_saga_takes_on_an_order() -> None:
    spec.given().when(START).then(STARTED)


@pytest.mark.parametrize("history", [(STARTED,), (STARTED, COMPLETED)])
def test_a_later_run_of_the_same_saga_changes_nothing(history: tuple[object]) -> None:
    spec.given(*history).when(replace(START, run_id="run-2")).then_nothing()


def test_another_saga_cannot_take_on_the_order() -> None:
    other = replace(START, workflow_id="order-B2")
    spec.given(STARTED).when(other).then_refused("fulfilled_by_another")


def test_a_failed_step_is_recorded_once() -> None:
    spec.given(STARTED).when(FAIL).then(DECLINED)
    spec.given(STARTED, DECLINED).when(FAIL).then_nothing()


def test_the_same_failure_after_an_operator_acted_is_a_new_one() -> None:
    spec.given(STARTED, DECLINED, ACTED).when(FAIL).then(DECLINED)


def test_the_saga_turns_back_once() -> None:
    spec.given(STARTED, DECLINED).when(TURN).then(TURNED)
    spec.given(STARTED, TURNED).when(replace(TURN, detail="again")).then_nothing()


def test_a_failed_compensation_is_recorded_once() -> None:
    spec.given(STARTED, TURNED).when(GIVE_UP).then(STUCK)
    spec.given(STARTED, TURNED, STUCK).when(GIVE_UP).then_nothing()
    spec.given(STARTED, TURNED, STUCK, ACTED).when(GIVE_UP).then(STUCK)


def test_only_a_saga_that_turned_back_compensates() -> None:
    spec.given(STARTED).when(GIVE_UP).then_refused("not_compensating")


def test_attention_is_required_once_until_an_operator_acts() -> None:
    spec.given(STARTED).when(ASK).then(HELP)
    spec.given(STARTED, HELP).when(ASK).then_nothing()
    assert spec.state(STARTED, HELP).attention == HELP
    spec.given(STARTED, HELP, ACTED).when(ASK).then(HELP)
    assert spec.state(STARTED, HELP, ACTED).attention is None


@pytest.mark.parametrize("history", [(), (STARTED,), (STARTED, COMPLETED)])
def test_what_an_operator_does_is_always_recorded(history: tuple[object]) -> None:
    spec.given(*history).when(ACT).then(ACTED)


def test_a_saga_ends_completed_or_cancelled() -> None:
    spec.given(STARTED).when(CLOSE_GOOD).then(COMPLETED)
    spec.given(STARTED, TURNED).when(CLOSE_BAD).then(CANCELLED)


def test_a_saga_ends_once() -> None:
    spec.given(STARTED, COMPLETED).when(CLOSE_GOOD).then_nothing()
    spec.given(STARTED, CANCELLED).when(CLOSE_BAD).then_nothing()
    spec.given(STARTED, COMPLETED).when(CLOSE_BAD).then_refused("closed_differently")
    spec.given(STARTED, CANCELLED).when(CLOSE_GOOD).then_refused("closed_differently")


def test_a_saga_that_turned_back_does_not_complete() -> None:
    spec.given(STARTED, TURNED).when(CLOSE_GOOD).then_refused("saga_turned_back")


def test_a_reason_is_given_exactly_for_a_cancelled_order() -> None:
    spec.given(STARTED).when(replace(CLOSE_GOOD, reason=Reason.OUT_OF_STOCK)).then_invalid("reason")
    spec.given(STARTED).when(replace(CLOSE_BAD, reason=None)).then_invalid("reason")


TRAIL: list[FulfillmentCommand] = [FAIL, TURN, GIVE_UP, ASK]


@pytest.mark.parametrize("command", TRAIL)
def test_after_the_close_the_saga_adds_nothing(command: FulfillmentCommand) -> None:
    spec.given(STARTED, CANCELLED).when(command).then_refused("fulfillment_is_closed")


@pytest.mark.parametrize("command", [*TRAIL, CLOSE_GOOD])
def test_before_the_start_the_saga_adds_nothing(command: FulfillmentCommand) -> None:
    spec.given().when(command).then_refused("fulfillment_not_started")


@pytest.mark.parametrize("text", ["", "x" * 2001, "nul\x00", "\udc80", "\x1b[31m"])
@pytest.mark.parametrize("turned_back", [False, True])
def test_no_text_that_explains_can_stop_a_saga(text: str, turned_back: bool) -> None:
    kept = cut(text)
    now = spec.given(STARTED, *((TURNED,) if turned_back else ()))
    now.when(replace(FAIL, message=text)).then(replace(DECLINED, message=kept))
    now.when(replace(ASK, waiting_for=text)).then(replace(HELP, waiting_for=kept))
    now.when(replace(ACT, reason=text)).then(replace(ACTED, reason=kept))
    now.when(replace(ACT, actor=text)).then(replace(ACTED, actor=cut(text, MAX_ACTOR)))
    if turned_back:
        now.when(replace(GIVE_UP, message=text)).then(replace(STUCK, message=kept))
        now.when(replace(CLOSE_BAD, detail=text)).then(replace(CANCELLED, detail=kept))
    else:
        now.when(replace(TURN, detail=text)).then(replace(TURNED, detail=kept))


@pytest.mark.parametrize("history", [(TURNED,), (COMPLETED,), (STARTED, STARTED)])
def test_an_impossible_history_is_refused(history: tuple[object]) -> None:
    with pytest.raises(ImpossibleHistory):
        spec.state(*history)


@pytest.mark.parametrize(
    "history", [(), (STARTED,), (STARTED, TURNED, STUCK, HELP), (STARTED, COMPLETED)]
)
def test_a_note_is_taken_at_any_time_and_changes_nothing(history: tuple[object, ...]) -> None:
    noted = NoteAdded("support:ann", "she calls back on Monday")
    spec.given(*history).when(AddNote("support:ann", "she calls back on Monday")).then(noted)
    state = fulfillment.INITIAL
    for event in history:
        state = fulfillment.evolve(state, event)  # type: ignore[arg-type]  # one of the events above
    assert fulfillment.evolve(state, noted) == state


def test_an_empty_note_is_refused() -> None:
    with pytest.raises(InvalidValue):
        fulfillment.decide(AddNote("support:ann", "  "), fulfillment.INITIAL)
