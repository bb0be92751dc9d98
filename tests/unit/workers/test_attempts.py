"""Every attempt has a deadline before the server's, with a reserve for the append."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from eventstore import deadline
from workers.attempts import Attempts


class Activity(ActivityInboundInterceptor):
    """Ends the chain of interceptors."""

    def __init__(self, work: Any) -> None:
        super().__init__(self)
        self.work = work

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  Temporal's own name for it
        return await self.work()


async def attempt(work: Any, limit_s: float = 10.0) -> Any:
    environment = ActivityEnvironment()
    limit = timedelta(seconds=limit_s)
    environment.info = replace(environment.info, start_to_close_timeout=limit)
    framed = Attempts().intercept_activity(Activity(work))
    nothing = ExecuteActivityInput(fn=work, args=(), executor=None, headers={})
    answer = await environment.run(framed.execute_activity, nothing)
    return json.loads(answer.payload.data)  # what the server is sent


async def test_an_attempt_must_answer_before_the_server_gives_it_up() -> None:
    async def left() -> list[float]:
        current = deadline.current()
        assert current is not None
        with deadline.using_reserve():
            whole = deadline.current()
        assert whole is not None
        return [current.left(), whole.left()]

    for_calls, for_the_append = await attempt(left)
    assert 5 < for_calls <= 6
    assert 8 < for_the_append <= 9


async def test_an_attempt_without_time_for_what_it_begins_waits_for_the_store() -> None:
    async def too_late() -> None:
        await asyncio.sleep(0.2)
        deadline.time_limit(5.0)

    with pytest.raises(ApplicationError) as failure:
        await attempt(too_late, limit_s=0.2)
    assert failure.value.type == "store_unavailable"


async def test_the_control_an_attempt_with_time_succeeds() -> None:
    async def in_time() -> float:
        return deadline.time_limit(5.0)

    assert await attempt(in_time) == 5.0
