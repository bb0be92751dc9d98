"""What a check found, and how a check that does not end becomes a finding as well."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

from eventstore.errors import EventStoreError, StoreUnavailable
from ordersaga.bootstrap.database_problems import is_of_the_driver, problem_of
from ordersaga.bootstrap.wiring import WITH_OWN_TEXT
from ordersaga.errors import REFUSED, UNREACHABLE, OrderSagaError

LIMIT_S: Final = 8.0
"""The longest that a check may take, in seconds."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of one check.

    Attributes:
        finding: what is there, or what is wrong.
        advice: what to do; empty if nothing is to be done. If `ok`, nothing has to be.
        exit_code: 0 if nothing is wrong.
    """

    name: str
    ok: bool
    finding: str
    advice: str = ""
    exit_code: int = 0


def bad(name: str, finding: str, advice: str, exit_code: int = UNREACHABLE) -> Diagnosis:
    """Something is wrong."""
    return Diagnosis(name, False, finding, advice, exit_code)


def from_message(name: str, message: str, exit_code: int = UNREACHABLE) -> Diagnosis:
    """Something is wrong, told as ``finding: advice``."""
    finding, _, advice = message.partition(": ")
    return bad(name, finding, advice, exit_code)


async def examined(name: str, check: Awaitable[Diagnosis]) -> Diagnosis:
    """What a check found; what it raised, or that it did not end in time, is a finding too."""
    try:
        async with asyncio.timeout(LIMIT_S):
            return await check
    except OrderSagaError as error:
        return from_message(name, str(error), error.exit_code)
    except Exception as error:
        if (diagnosis := _failed(name, error)) is None:
            raise
        return diagnosis


def _failed(name: str, error: Exception) -> Diagnosis | None:
    is_outage = isinstance(error, StoreUnavailable) and not isinstance(error, WITH_OWN_TEXT)
    if isinstance(error, EventStoreError) and not is_outage:
        return from_message(name, str(error), REFUSED)
    if is_outage or isinstance(error, OSError) or is_of_the_driver(error):
        problem = problem_of(error)
        return bad(name, f"the database {problem.finding}", problem.advice, problem.exit_code)
    return None
