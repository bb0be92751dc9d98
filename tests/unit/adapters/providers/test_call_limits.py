"""A call to a provider gets what the attempt has left; whoever took the time is named."""

import asyncio

import pytest

from activities.ports import GatewayUnavailable
from adapters.providers.call_limits import call_limit
from eventstore.deadline import NoTimeLeft, within


async def test_a_call_ends_with_its_own_limit() -> None:
    with pytest.raises(TimeoutError):
        async with call_limit("payments", 0.01):
            await asyncio.Event().wait()


async def test_a_call_ends_with_the_attempt() -> None:
    with within(0.2), pytest.raises(TimeoutError):
        async with call_limit("payments", 0.3):
            await asyncio.Event().wait()


async def test_a_call_is_not_begun_if_something_else_took_the_time() -> None:
    with within(0.05), pytest.raises(NoTimeLeft):
        async with call_limit("payments", 5.0):
            raise AssertionError("begun")


async def test_a_provider_that_took_the_time_itself_is_unavailable() -> None:
    with within(0.3):
        async with call_limit("payments", 0.4):
            await asyncio.sleep(0.25)
        with pytest.raises(GatewayUnavailable, match="too slow"):
            async with call_limit("payments", 0.4):
                raise AssertionError("begun")


async def test_what_a_provider_took_of_one_attempt_does_not_count_in_the_next() -> None:
    with within(0.3):
        async with call_limit("payments", 0.4):
            await asyncio.sleep(0.25)
    with within(0.05), pytest.raises(NoTimeLeft):
        async with call_limit("payments", 0.4):
            raise AssertionError("begun")
