"""The end of an authorisation: somebody is told before it lapses while the order still waits.

The customer is asked for another payment, if the order says so; else a person is called.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows import policies
from workflows.common.operator_requests import OperatorAttention
from workflows.common.renewal import RunIsFull
from workflows.fulfillment.state import SagaState
from workflows.fulfillment.trail import Trail

AUTHORISATION: Final = "authorisation"
LAPSES: Final = "authorisation_lapses"
"""Why another payment is asked for."""


@dataclass(slots=True)
class AuthorisationWatch:
    """Asks or calls in time; what is to be done then, pay, ship or cancel, ends the call."""

    state: SagaState
    trail: Trail
    attention: OperatorAttention
    _watching: "asyncio.Task[None] | None" = field(default=None, init=False)

    def begin(self, lapses_at: datetime | None) -> None:
        """Watch an authorisation; None: the money was captured, or nobody says when it lapses.

        An earlier run may have called a person already.
        """
        if lapses_at is not None and not self._has_called:
            self._watching = asyncio.create_task(self._watch(lapses_at))

    async def stop(self) -> None:
        """Watch no more; a call that is being made is made to its end."""
        watching, self._watching = self._watching, None
        if watching is None:
            return
        if not self._has_called:
            watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    async def end(self) -> None:
        """The money was captured, another payment came, or the order is being undone.

        What came too late is recorded as a request that was made.
        """
        await self.stop()
        if self._has_called:
            self.attention.settle(AUTHORISATION)
        self.state.steps.due = None
        if late := self.state.requests.payment:
            self.attention.unrecorded.append(late.by)
            self.state.requests.payment = None

    @property
    def _has_called(self) -> bool:
        return AUTHORISATION in self.attention.progress.attention

    async def _watch(self, lapses_at: datetime) -> None:
        left = lapses_at - policies.CALL_BEFORE_LAPSE - workflow.now()
        await workflow.sleep(max(left, timedelta()), summary="then the authorisation lapses soon")
        if self.state.order.asks_for_payment:
            await self._ask()
        else:
            await self._call(lapses_at)

    async def _ask(self) -> None:
        with suppress(ActivityError, RunIsFull):  # the next run asks anew
            self.state.steps.due = await self.trail.ask_for_payment(LAPSES)

    async def _call(self, lapses_at: datetime) -> None:
        problem = (
            f"the authorisation of the payment lapses at {lapses_at:%Y-%m-%d %H:%M} UTC, and is "
            "not renewed: let the order ship before, or cancel it"
        )
        self.attention.require(AUTHORISATION, problem)
        try:
            await self.trail.announce(AUTHORISATION, problem)
        except (ActivityError, RunIsFull):  # the next run calls anew
            self.attention.settle(AUTHORISATION)
