"""The end of an authorisation: a person is called before it lapses while the order still waits."""

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
from workflows.fulfillment.trail import Trail

AUTHORISATION: Final = "authorisation"


@dataclass(slots=True)
class AuthorisationWatch:
    """Calls a person in time; what is to be done then, ship or cancel, ends the call."""

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
        """The money was captured, or the order is being undone."""
        await self.stop()
        if self._has_called:
            self.attention.settle(AUTHORISATION)

    @property
    def _has_called(self) -> bool:
        return AUTHORISATION in self.attention.progress.attention

    async def _watch(self, lapses_at: datetime) -> None:
        left = lapses_at - policies.CALL_BEFORE_LAPSE - workflow.now()
        await workflow.sleep(max(left, timedelta()), summary="then the authorisation lapses soon")
        problem = (
            f"the authorisation of the payment lapses at {lapses_at:%Y-%m-%d %H:%M} UTC, and is "
            "not renewed: let the order ship before, or cancel it"
        )
        self.attention.require(AUTHORISATION, problem)
        try:
            await self.trail.announce(AUTHORISATION, problem)
        except (ActivityError, RunIsFull):  # the next run calls anew
            self.attention.settle(AUTHORISATION)
