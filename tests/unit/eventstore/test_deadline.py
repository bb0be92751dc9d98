"""One deadline holds for everything inside it; only an append may use its reserve."""

import asyncio

import pytest

from eventstore.deadline import Deadline, NoTimeLeft, current, time_limit, until, within

NO_TIME = Deadline(at=float("-inf"))


def test_without_a_deadline_a_call_gets_its_own_limit() -> None:
    assert current() is None
    assert time_limit(5) == 5


def test_a_call_gets_no_more_than_the_deadline_leaves() -> None:
    with within(3600):
        assert time_limit(5) == 5
        assert 3599 < time_limit(7200) <= 3600


def test_only_an_append_may_use_the_reserve() -> None:
    with within(100, reserve_s=40):
        assert 59 < time_limit(1000) <= 60
        assert 99 < time_limit(1000, is_append=True) <= 100


def test_an_inner_deadline_shortens_and_never_extends() -> None:
    with within(100) as outer:
        with within(1000) as inner:
            assert inner is outer
        with within(10):
            assert time_limit(1000) <= 10
        assert current() is outer
    assert current() is None


def test_a_call_that_would_get_too_little_is_not_begun() -> None:
    with within(2):
        with pytest.raises(NoTimeLeft):
            time_limit(10, least_s=5)
        assert time_limit(10, least_s=1) <= 2
    with until(NO_TIME), pytest.raises(NoTimeLeft):
        time_limit(10)


async def test_a_task_inherits_the_deadline_of_whoever_started_it() -> None:
    async def seen() -> Deadline | None:
        return current()

    with within(10) as deadline:
        task = asyncio.create_task(seen())
    assert await task is deadline
    assert await asyncio.create_task(seen()) is None
