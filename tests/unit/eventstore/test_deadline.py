"""One deadline holds for everything inside it; only an append may use its reserve."""

import asyncio

import pytest

from eventstore.deadline import (
    Deadline,
    NoTimeLeft,
    current,
    of_command,
    time_limit,
    until,
    using_reserve,
    within,
)
from eventstore.tasks import background

NO_TIME = Deadline(at=float("-inf"))


def test_without_a_deadline_a_call_gets_its_own_limit() -> None:
    assert current() is None
    assert time_limit(5) == 5


def test_a_call_gets_no_more_than_the_deadline_leaves() -> None:
    with within(3600):
        assert time_limit(5) == 5
        assert 3599 < time_limit(7200) <= 3600


def test_only_a_command_may_use_the_reserve() -> None:
    with within(100, reserve_s=40):
        assert 59 < time_limit(1000) <= 60
        assert 99 < of_command(1000).left() <= 100
        with using_reserve():
            assert 99 < time_limit(1000) <= 100
    with using_reserve():
        assert time_limit(5) == 5


def test_a_command_without_a_deadline_gets_one() -> None:
    assert 4 < of_command(5).left() <= 5
    assert not of_command(5).passed
    assert of_command(0).passed


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


async def test_a_task_inherits_the_deadline_of_whoever_started_it_unless_it_serves_others_too() -> (
    None
):
    async def seen() -> Deadline | None:
        return current()

    with within(10) as deadline:
        task = asyncio.create_task(seen())
        lasting = background(seen(), "serves others too")
    assert await task is deadline
    assert await lasting is None
    assert await asyncio.create_task(seen()) is None
