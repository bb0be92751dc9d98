"""While a provider fails, one caller looks; when it works again, all go on, bit by bit."""

import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.breaker import (
    CALLERS,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    LONGEST_WAIT_S,
    MANY,
    Breaker,
    Call,
    Outcome,
)
from tests.support.faults.crowd import Crowd, Saga

WITHIN_S = 120.0
"""All have ended so soon after the end of an outage; the whole saga has 150 seconds."""


def call(
    breaker: Breaker,
    caller: str,
    now: float,
    outcome: Outcome,
    *,
    changes: bool = True,
    retry_after_s: float | None = None,
) -> None:
    admitted = breaker.admit(caller, now)
    assert isinstance(admitted, Call)
    breaker.settle(admitted, outcome, now, changes=changes, retry_after_s=retry_after_s)


def is_admitted(breaker: Breaker, caller: str, now: float) -> bool:
    return isinstance(breaker.admit(caller, now), Call)


@pytest.fixture
def breaker() -> Breaker:
    return Breaker(chance=lambda: 0.5)


def opened(breaker: Breaker, now: float = 0.0, *, changes: bool = True) -> Breaker:
    for number in range(CALLERS):
        call(breaker, f"order-{number}", now, Outcome.FAILED, changes=changes)
    assert breaker.is_open
    return breaker


# --- opening -------------------------------------------------------------------------------------


def test_it_opens_when_calls_of_several_callers_in_a_row_fail(breaker: Breaker) -> None:
    opened(breaker, now=7.0)
    assert breaker.failing_since == 7.0
    wait_s = breaker.admit("another", 7.0)
    assert isinstance(wait_s, float)
    assert 0 < wait_s <= LONGEST_WAIT_S


def test_a_success_in_between_keeps_it_closed(breaker: Breaker) -> None:
    for turn in range(10):
        for number in range(CALLERS - 1):
            call(breaker, f"order-{number}", turn, Outcome.FAILED)
        call(breaker, "another", turn, Outcome.WORKED)
    assert breaker.failing_since is None


def test_answers_to_reads_do_not_hide_that_changes_fail(breaker: Breaker) -> None:
    for number in range(CALLERS):
        call(breaker, f"order-{number}", 0, Outcome.WORKED, changes=False)
        call(breaker, f"order-{number}", 0, Outcome.FAILED, changes=True)
    assert breaker.is_open


def test_one_caller_that_fails_alone_does_not_open_it_soon(breaker: Breaker) -> None:
    for second in range(55):
        call(breaker, "order-odd", float(second), Outcome.FAILED)
    assert breaker.failing_since is None


def test_it_opens_when_nothing_has_worked_for_a_minute_whoever_asked(breaker: Breaker) -> None:
    for second in (0.0, 1.0, 5.0, 30.0, 61.0):
        call(breaker, "the only order", second, Outcome.FAILED)
    assert breaker.is_open


@pytest.mark.parametrize("refused", [True, False])
def test_refused_credentials_open_it_at_once(breaker: Breaker, refused: bool) -> None:
    outcome = Outcome.REFUSED if refused else Outcome.FAILED
    call(breaker, "order-1", 0, outcome)
    assert breaker.is_open is breaker.is_refused is refused


def test_a_provider_that_says_when_is_not_asked_before(breaker: Breaker) -> None:
    call(breaker, "order-1", 0, Outcome.FAILED, retry_after_s=40.0)
    assert not is_admitted(breaker, "order-2", 39.9)
    assert is_admitted(breaker, "order-2", 40.1)


def test_no_provider_is_left_alone_for_ever(breaker: Breaker) -> None:
    call(breaker, "order-1", 0, Outcome.FAILED, retry_after_s=1e9)
    assert is_admitted(breaker, "order-2", LONGEST_WAIT_S + 0.1)


def test_a_call_that_ends_for_another_reason_says_nothing(breaker: Breaker) -> None:
    for number in range(100):
        call(breaker, f"order-{number}", number, Outcome.NOTHING)
    assert breaker.failing_since is None


# --- looking and recovering ----------------------------------------------------------------------


def test_one_caller_looks_and_the_others_are_sent_away(breaker: Breaker) -> None:
    opened(breaker)
    later = 2 * FIRST_PAUSE_S
    assert is_admitted(breaker, "looks", later)
    assert not any(is_admitted(breaker, f"order-{n}", later) for n in range(100))


def test_a_look_that_fails_doubles_the_pause_up_to_its_limit(breaker: Breaker) -> None:
    opened(breaker)
    now, pauses = 0.0, []
    for number in range(6):
        begun = now
        while not isinstance(admitted := breaker.admit(f"looker-{number}", now), Call):
            now += 0.1
        pauses.append(now - begun)
        breaker.settle(admitted, Outcome.FAILED, now, changes=True)
    assert pauses == pytest.approx([5, 10, 20, 30, 30, 30], abs=0.5)


def test_who_looked_in_vain_leaves_the_next_look_to_others(breaker: Breaker) -> None:
    opened(breaker)
    call(breaker, "order-odd", 6.0, Outcome.FAILED)
    assert not is_admitted(breaker, "order-odd", 17.0)
    assert is_admitted(breaker, "order-good", 17.0)


def test_who_looked_in_vain_looks_again_if_there_is_nobody_else(breaker: Breaker) -> None:
    opened(breaker)
    call(breaker, "the only order", 6.0, Outcome.FAILED)
    assert is_admitted(breaker, "the only order", 6.0 + 2 * FIRST_PAUSE_S + 11.0)


def test_the_attempt_that_looked_goes_on_to_its_change(breaker: Breaker) -> None:
    opened(breaker)
    call(breaker, "looks", 6.0, Outcome.WORKED, changes=False)
    assert is_admitted(breaker, "another", 6.0)
    assert is_admitted(breaker, "looks", 6.0)
    assert not is_admitted(breaker, "a third", 6.0)


def test_an_answered_question_is_no_proof_that_changes_work(breaker: Breaker) -> None:
    opened(breaker)
    call(breaker, "looks", 6.0, Outcome.WORKED, changes=False)
    call(breaker, "looks", 6.0, Outcome.FAILED, changes=True)
    assert breaker.is_open
    assert breaker.worked_at is None


def test_a_change_that_works_is_proof_of_everything(breaker: Breaker) -> None:
    call(breaker, "order-9", 0.0, Outcome.FAILED, changes=False)
    opened(breaker)
    call(breaker, "looks", 6.0, Outcome.WORKED, changes=True)
    assert breaker.worked_at == breaker.works_since == 6.0
    breaker.look_at_time(16.0)
    assert breaker.failing_since is None


def test_if_nobody_makes_a_change_any_more_answered_questions_are_proof_in_the_end(
    breaker: Breaker,
) -> None:
    opened(breaker)
    call(breaker, "looks", 6.0, Outcome.WORKED, changes=False)
    breaker.look_at_time(65.0)
    assert breaker.failing_since is not None
    breaker.look_at_time(66.0)
    assert breaker.failing_since is None
    assert breaker.worked_at == 66.0


def test_each_call_that_works_lets_one_more_pass_until_it_closes(breaker: Breaker) -> None:
    opened(breaker)
    call(breaker, "looks", 6.0, Outcome.WORKED)
    admitted = 1
    for round_ in range(MANY):
        calls = []
        while isinstance(one := breaker.admit(f"{round_}-{len(calls)}", 6.0), Call):
            calls.append(one)
            if breaker.failing_since is None:
                return
        assert len(calls) == admitted + 1 or round_ > 0
        admitted = len(calls)
        for one in calls:
            breaker.settle(one, Outcome.WORKED, 6.0, changes=True)
    raise AssertionError("it never closed")


def test_it_closes_once_it_has_been_quiet(breaker: Breaker) -> None:
    opened(breaker)
    call(breaker, "looks", 6.0, Outcome.WORKED)
    breaker.look_at_time(15.0)
    assert breaker.failing_since is not None
    breaker.look_at_time(16.0)
    assert breaker.failing_since is None


def test_a_result_of_before_it_opened_changes_nothing(breaker: Breaker) -> None:
    early = breaker.admit("early", 0.0)
    assert isinstance(early, Call)
    opened(breaker)
    breaker.settle(early, Outcome.WORKED, 1.0, changes=True)
    assert breaker.is_open
    assert breaker.worked_at is None


# --- a caller that fails alone -------------------------------------------------------------------


@pytest.mark.parametrize("retry_after_s", [None, 60.0])
def test_a_caller_that_is_refused_alone_opens_it_only_once(
    breaker: Breaker, retry_after_s: float | None
) -> None:
    outcome = Outcome.FAILED if retry_after_s else Outcome.REFUSED
    call(breaker, "order-odd", 0.0, outcome, retry_after_s=retry_after_s)
    assert breaker.is_open
    call(breaker, "order-good", 61.0, Outcome.WORKED)
    breaker.look_at_time(72.0)
    for second in range(80, 400, 10):
        call(breaker, "order-odd", second, outcome, retry_after_s=retry_after_s)
        assert is_admitted(breaker, "order-good", second)
    call(breaker, "order-odd", 500.0, Outcome.WORKED)  # it was repaired, and counts again
    call(breaker, "order-odd", 501.0, outcome, retry_after_s=retry_after_s)
    assert breaker.is_open


def fails_for_one(saga: Saga, _now: float, changes: bool) -> Outcome:
    return Outcome.FAILED if saga.name == "odd" and changes else Outcome.WORKED


@pytest.mark.parametrize("seed", range(10))
def test_an_order_that_always_fails_delays_no_other(seed: int) -> None:
    chance = random.Random(seed)
    crowd = Crowd(fails_for_one, Breaker(chance.random), chance)
    crowd.add(Saga("odd"), 0.0)
    others = [Saga(f"order-{number}") for number in range(60)]
    came = [number * 37.0 for number in range(60)]
    for saga, at in zip(others, came, strict=True):
        crowd.add(saga, at)
    crowd.run(until=60 * 37.0)
    took = [(saga.ended_at or 1e9) - at for saga, at in zip(others, came, strict=True)]
    assert max(took) < WITHIN_S
    assert sorted(took)[len(took) // 2] < 5.0


# --- a crowd -------------------------------------------------------------------------------------

Answer = Callable[[Saga, float, bool], Outcome]


def outage(became: Outcome, until: float, *, of_changes_only: bool = False) -> Answer:
    def answer(_saga: Saga, now: float, changes: bool) -> Outcome:
        fails = now < until and (changes or not of_changes_only)
        return became if fails else Outcome.WORKED

    return answer


@given(
    seed=st.integers(0, 10_000),
    sagas=st.integers(1, 300),
    lasts_s=st.floats(5, 1200),
    became=st.sampled_from([Outcome.FAILED, Outcome.REFUSED, Outcome.NOTHING]),
    of_changes_only=st.booleans(),
    retry_after_s=st.sampled_from([None, 0.0, 1.0, 30.0, 3600.0]),
)
def test_after_an_outage_all_go_on_by_themselves_and_during_it_hardly_anybody_calls(
    seed: int,
    sagas: int,
    lasts_s: float,
    became: Outcome,
    of_changes_only: bool,
    retry_after_s: float | None,
) -> None:
    chance = random.Random(seed)
    answer = outage(became, lasts_s, of_changes_only=of_changes_only)
    crowd = Crowd(answer, Breaker(chance.random), chance, retry_after_s)
    everybody = [Saga(f"order-{number}") for number in range(sagas)]
    for saga in everybody:
        crowd.add(saga, chance.uniform(0, 5))
    crowd.run(until=lasts_s + 3600)
    ended = [saga.ended_at or float("inf") for saga in everybody]
    assert max(ended) < lasts_s + WITHIN_S
    assert all(0 < told <= LONGEST_WAIT_S for told in crowd.told)
    # After the first moments, each look makes two calls at most: a question, then a change.
    looks = [at for at, _ in crowd.made if 15.0 < at < lasts_s]
    assert len(looks) <= 8 + lasts_s / 2.5 if sagas > CALLERS else True


def test_when_it_is_back_the_crowd_comes_bit_by_bit() -> None:
    chance = random.Random(3)
    crowd = Crowd(outage(Outcome.FAILED, 300.0), Breaker(chance.random), chance)
    everybody = [Saga(f"order-{number}") for number in range(2000)]
    for saga in everybody:
        crowd.add(saga, chance.uniform(0, 5))
    crowd.run(until=300.0)
    crowd.made.clear()
    crowd.run(until=300.0 + WITHIN_S)
    assert all(saga.ended_at for saga in everybody)
    per_second = [sum(at // 1 == second for at, _ in crowd.made) for second in range(300, 420)]
    assert max(per_second) < len(crowd.made) / 5


# --- any sequence --------------------------------------------------------------------------------

Step = tuple[str, int, float, Outcome, bool]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["admit", "settle"]),
            st.integers(0, 6),
            st.floats(0, 40),
            st.sampled_from(Outcome),
            st.booleans(),
        ),
        max_size=80,
    )
)
def test_whatever_happens_it_waits_before_it_looks_and_looks_with_one(
    steps: Sequence[Step],
) -> None:
    breaker, now = Breaker(random.Random(1).random), 0.0
    running: list[Call] = []
    opened_at: float | None = None
    for act, number, later, outcome, changes in steps:
        now += later
        if act == "admit":
            was_open = breaker.is_open
            admitted = breaker.admit(f"order-{number}", now)
            if isinstance(admitted, Call):
                running.append(admitted)
                if was_open:
                    assert opened_at is not None
                    assert now >= opened_at + 0.8 * FIRST_PAUSE_S
                    assert not is_admitted(breaker, "somebody else", now)
            else:
                assert 0 < admitted <= LONGEST_WAIT_S
                assert breaker.failing_since is not None
        elif running:
            before = breaker.is_open
            breaker.settle(running.pop(number % len(running)), outcome, now, changes=changes)
            if breaker.is_open and not before:
                opened_at = now
                assert outcome in (Outcome.FAILED, Outcome.REFUSED)
        assert breaker.is_refused <= (breaker.failing_since is not None)
    assert is_admitted(breaker, "a newcomer", now + LONGEST_WAIT_S + LONGEST_PAUSE_S) or running
