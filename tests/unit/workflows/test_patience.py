"""A patient activity ends when the kind of trouble changes, and never by itself."""

from datetime import timedelta

import pytest

from activities.failures import TROUBLES, Trouble
from workflows import policies


@pytest.mark.parametrize("trouble", Trouble)
def test_failures_of_one_kind_are_retried_without_a_limit_and_no_others(trouble: Trouble) -> None:
    retries = policies.patience(trouble, 1)
    assert retries.maximum_attempts == 0
    ends = set(retries.non_retryable_error_types or ())
    assert {name for name in TROUBLES if name not in ends} == {
        name for name, whose in TROUBLES.items() if whose is trouble
    }
    assert (policies.DEAD_WORKER in ends) is (trouble is not Trouble.UNEXPECTED)


def test_pauses_grow_to_a_minute_also_if_troubles_take_turns() -> None:
    first = [policies.patience(Trouble.STORE, n).initial_interval for n in (1, 2, 3, 50)]
    assert first == [timedelta(seconds=s) for s in (2, 4, 8, 60)]
    assert policies.patience(Trouble.STORE, 1).maximum_interval == timedelta(minutes=1)
