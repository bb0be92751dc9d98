"""Traps stop an activity attempt or an append at an exact point."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from adapters.payments.stripe.gateway import StripePaymentGateway
from adapters.providers.faults import FaultPlan
from eventstore.commands.decision import CommandContext, Decide
from eventstore.commands.folding import Fold
from eventstore.commands.handler import CommandHandler
from eventstore.errors import StoreUnavailable
from eventstore.memory import InMemoryEventStore
from eventstore.model import AppendResult, StreamAppend
from tests.support.sagas.shop import TOKEN_DECLINED, TOKEN_GOOD, Shop
from workers.factory import Dependencies

R = TypeVar("R")


@dataclass
class Trap:
    """Stops an activity of one saga, `times` times.

    It hangs until it is `released`, or raises `error`.
    """

    workflow_id: str
    activity: str
    where: str
    times: int | None = 1
    error: Callable[[StreamAppend], Exception] | None = None
    released: asyncio.Event = field(default_factory=asyncio.Event)
    hits: int = 0

    def catches(self, workflow_id: str, activity_id: str, where: str) -> bool:
        mine = (self.workflow_id, self.where) == (workflow_id, where)
        used_up = self.times is not None and self.hits >= self.times
        return (
            mine
            and not used_up
            and activity_id.startswith(self.activity)
            and not self.released.is_set()
        )


class Traps(Interceptor):
    """All traps of a run. Stops attempts when they begin and before they report."""

    def __init__(self) -> None:
        self.set: list[Trap] = []

    async def spring(
        self, workflow_id: str, activity_id: str, where: str, first: StreamAppend | None = None
    ) -> None:
        for trap in self.set:
            if trap.catches(workflow_id, activity_id, where):
                trap.hits += 1
                if trap.error is None or first is None:
                    await trap.released.wait()
                else:
                    raise trap.error(first)

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  Temporal's own name for it
        return _AroundAttempt(next, self)


class _AroundAttempt(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, traps: Traps) -> None:
        super().__init__(inner)
        self._traps = traps

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  as above
        info = activity.info()
        await self._traps.spring(info.workflow_id or "", info.activity_id, "begin")
        result = await super().execute_activity(input)
        await self._traps.spring(info.workflow_id or "", info.activity_id, "report")
        return result


class TrappedStore(InMemoryEventStore):
    """An event store whose appends can be stopped before and after they are made."""

    def __init__(self, traps: Traps) -> None:
        super().__init__()
        self._traps = traps

    async def append(self, *appends: StreamAppend) -> AppendResult:
        """Append; a caller who gives up does not end it, as with a server that is slow."""
        return await asyncio.shield(asyncio.ensure_future(self._append(*appends)))

    async def _append(self, *appends: StreamAppend) -> AppendResult:
        metadata = appends[0].events[0].metadata
        activity_id = metadata.causation_id.rpartition("/")[2]
        await self._traps.spring(metadata.correlation_id, activity_id, "append", appends[0])
        result = await super().append(*appends)
        await self._traps.spring(metadata.correlation_id, activity_id, "appended", appends[0])
        return result


class UnbatchedHandler(CommandHandler):
    """Gives each command a handler of its own: an append that hangs must not hold back others."""

    async def execute(
        self, streams: Mapping[str, Fold[Any]], decide: Decide[R], context: CommandContext
    ) -> R:
        handler = CommandHandler(self._store, self._codec)
        return await handler.execute(streams, decide, context)


class TrappedShop(Shop):
    """A shop whose store can be trapped."""

    good, declined = TOKEN_GOOD, TOKEN_DECLINED
    void_call = "void"

    def __init__(self) -> None:
        super().__init__()
        self.traps = Traps()
        self.store = TrappedStore(self.traps)
        self.handler = UnbatchedHandler(self.store, self.codec)

    @property
    def payment_faults(self) -> FaultPlan:
        """What goes wrong at the payment provider."""
        return self.payments.faults


class TrappedStripeShop(TrappedShop):
    """The same, with customers who pay at Stripe, or at the stand-in with these faults."""

    good, declined = "pm_card_visa", "pm_card_chargeDeclined"
    void_call = "cancel"

    def __init__(self, gateway: StripePaymentGateway, faults: FaultPlan) -> None:
        super().__init__()
        self._gateway, self._faults = gateway, faults

    @property
    def payment_faults(self) -> FaultPlan:
        """What goes wrong at the payment provider."""
        return self._faults

    @property
    def dependencies(self) -> Dependencies:
        return replace(super().dependencies, payments=self._gateway)


def store_is_down(_: StreamAppend) -> Exception:
    """What a trapped append raises when the store does not answer."""
    return StoreUnavailable("down on purpose")
