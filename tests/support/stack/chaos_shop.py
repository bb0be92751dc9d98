"""A whole embedded stack with real orders, for harnesses that break it on purpose."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from ordersaga_client import (
    NotPossibleNow,
    OrderSagaClient,
    OrderStatus,
    SagaUnknown,
    TemporalUnavailable,
)
from temporalio.client import RPCTimeoutOrCancelledError, WorkflowQueryFailedError
from temporalio.service import RPCError

from activities.ports import GatewayError
from domain.ids import OrderId
from eventstore.errors import StoreUnavailable
from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.wiring import Services, open_services
from ordersaga.demo import mix
from ordersaga.embedded.layout import Ports
from ordersaga.embedded.stack import EmbeddedStack, StackOptions
from ordersaga.errors import Unreachable
from ordersaga.importing.intake import receive_stock, submit_orders
from ordersaga.importing.plan import PlannedOrder, Request, demand, read_plan
from ordersaga.operations.recovery.orders import Recovery, open_orders
from ordersaga.operations.recovery.outcome import RecoveryOutcome
from ordersaga.operations.verification.report import Report
from ordersaga.operations.verification.run import verify
from ordersaga.operations.verification.wired import open_sources
from tests.support.cluster import switch
from tests.support.cluster.layout import destroy
from tests.support.stack.sandboxes import SandboxControl
from tests.support.stack.stack import free_ports
from tests.support.stack.stripe_sandbox import StripeControl
from workflows.common.search_attributes import NEEDS_ATTENTION, SAGA_STEP
from workflows.documents.order import document_to_json
from workflows.fulfillment.state import ON_HOLD

OUTAGES = (
    RPCError,
    RPCTimeoutOrCancelledError,
    StoreUnavailable,
    TemporalUnavailable,
    Unreachable,
    GatewayError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)
"""What talking to servers that are being killed may raise."""

STRIPE_CARDS = {
    "tok_visa": "pm_card_visa",
    "tok_declined": "pm_card_chargeDeclined",
    "tok_insufficient_funds": "pm_card_chargeDeclinedInsufficientFunds",
    "tok_expired": "pm_card_chargeDeclinedExpiredCard",
}
"""Stripe's test cards that do as the tokens of the payment sandbox."""

_BY = "chaos"
_LOOK_EVERY_S = 2.0
_RECOVER_EVERY_S = 15.0  # it asks Temporal about each open order, which would slow hundreds down

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass(slots=True)
class Settled:
    """How the calm after the storm went.

    Attributes:
        recovered: sagas that `recover` had to start again.
        retried: operator retries of sagas that needed attention.
        resumed: sagas that were still on hold.
        attention: orders that still wait for a person at the end.
        stuck: orders that are open at the end and wait for nobody.
        seconds: how long it took.
    """

    recovered: int = 0
    retried: int = 0
    resumed: int = 0
    attention: list[OrderId] = field(default_factory=list)
    stuck: list[OrderId] = field(default_factory=list)
    seconds: float = 0.0


class ChaosShop:
    """An embedded stack, the orders that go through it, and ways to look at them."""

    def __init__(self, stack: EmbeddedStack, services: Services, sagas: OrderSagaClient) -> None:
        self.stack = stack
        self.services = services
        self.sagas = sagas
        state = stack.state()
        self.stripe = StripeControl(state.stripe_url) if state.stripe_url else None
        self.payment = self.stripe or SandboxControl(state.payment_url)
        self.carrier = SandboxControl(stack.state().carrier_url)
        self.submitted: set[OrderId] = set()

    # --- orders come in --------------------------------------------------------------------------

    async def receive_stock_for(
        self, orders: Sequence[PlannedOrder], *, some_short: bool = True
    ) -> None:
        """All the pieces that the orders want, or of a few products only half."""
        wanted = mix.stock_for(orders) if some_short else demand(orders)
        delivery = f"for {orders[0].document.order_id}"
        await receive_stock(self.services.handler, delivery, wanted)

    async def submit(self, order: PlannedOrder, *, through_temporal: bool) -> None:
        """Hand an order in, as often as it takes until somebody says that it is in."""
        order_id = order.document.order_id

        async def hand_in() -> None:
            if through_temporal:
                await self.sagas.place(document_to_json(order.document))
                return
            refused: list[str] = []
            await submit_orders(
                self.services.handler,
                [order],
                refuse=lambda _, *why: refused.append(": ".join(why)),
            )
            assert not refused, f"order {order_id} was refused: {refused[0]}"

        # Temporal, with hundreds of open sagas and killed again and again, may answer rarely.
        await patiently(hand_in, limit_s=900)
        self.submitted.add(order_id)

    async def open(self) -> list[OrderId]:
        """Orders that have not ended, as the event store says."""
        return await patiently(lambda: open_orders(self.services.redacted_store))

    # --- the calm after the storm ----------------------------------------------------------------

    async def calm_down(self) -> None:
        """Take all faults back."""
        for sandbox in (self.payment, self.carrier):
            await patiently(sandbox.clear)

    async def recover(self) -> int:
        """Start what has no saga; returns how many were started."""
        client = await self.services.temporal()
        waiting = await self.open()
        recovery = Recovery(self.services.handler, self.services.redacted_store, client)
        found = await patiently(lambda: recovery.run(waiting))
        return sum(each.outcome is RecoveryOutcome.STARTED for each in found)

    async def settle(self, limit_s: float, say: Say = print) -> Settled:
        """Wait until every order has ended, acting as an operator would meanwhile."""
        settled, began = Settled(), time.monotonic()
        next_recovery = began
        while waiting := await self.open():
            if time.monotonic() >= next_recovery:
                settled.recovered += await self.recover()
                next_recovery = time.monotonic() + _RECOVER_EVERY_S
            await self._help(settled)
            settled.seconds = time.monotonic() - began
            if settled.seconds > limit_s:
                await self._judge(waiting, settled)
                return settled
            say(f"settling: {len(waiting)} orders are open, {settled.recovered} recovered")
            await asyncio.sleep(_LOOK_EVERY_S)
        settled.seconds = time.monotonic() - began
        return settled

    async def _help(self, settled: Settled) -> None:
        """What an operator does: look for sagas that wait for a person, and act."""
        for order_id in await patiently(lambda: self._waiting(f"{NEEDS_ATTENTION.name} = true")):
            settled.retried += await self._act(self.sagas.retry, order_id)
        for order_id in await patiently(lambda: self._waiting(f"{SAGA_STEP.name} = '{ON_HOLD}'")):
            settled.resumed += await self._act(self.sagas.resume, order_id)

    async def _waiting(self, query: str) -> list[OrderId]:
        client = await self.services.temporal()
        found = client.list_workflows(f"ExecutionStatus = 'Running' AND {query}")
        return [OrderId(saga.id.partition("-")[2]) async for saga in found]

    async def _act(self, act: Callable[..., Awaitable[object]], order_id: OrderId) -> bool:
        try:
            async with asyncio.timeout(10):
                await act(order_id, actor=_BY, reason="the storm is over")
        except (NotPossibleNow, SagaUnknown, *OUTAGES):
            return False  # it went on by itself, or is asked again soon
        return True

    async def status(self, order_id: OrderId) -> OrderStatus | None:
        """What a saga says of itself, None if it does not answer now."""
        try:
            async with asyncio.timeout(10):
                return await self.sagas.status(order_id)
        except (SagaUnknown, WorkflowQueryFailedError, *OUTAGES):
            return None

    async def _judge(self, left: Sequence[OrderId], settled: Settled) -> None:
        waiting = set(await patiently(lambda: self._waiting(f"{NEEDS_ATTENTION.name} = true")))
        for order_id in left:
            (settled.attention if order_id in waiting else settled.stuck).append(order_id)

    async def verify(self) -> Report:
        """What `ordersaga verify` says."""
        return await verify(await open_sources(self.services))


def problems_of(report: Report) -> list[str]:
    """Everything in a report that must not be, one line each."""
    return [
        *(f"verify: {f.rule} {f.subject}: {f.actual}" for f in report.findings),
        *(f"not verified: {n.check} ({n.why})" for n in report.not_checked),
        *(f"sums differ: {c.what}" for c in report.comparisons if not c.equal),
    ]


def ports_for_a_stack(*, stripe: bool = False) -> Ports:
    """Free ones."""
    return Ports(*free_ports(6 + stripe))


@asynccontextmanager
async def chaos_shop(
    folder: Path,
    say: Say,
    options: StackOptions | None = None,
    ports: Ports | None = None,
    database_url: str | None = None,
) -> AsyncIterator[ChaosShop]:
    """A stack on free ports with its data in `folder`.

    Args:
        folder: of all its data.
        say: called with a line about each event.
        options: processes and their environment.
        ports: None: free ones.
        database_url: where this program reaches the database; None: straight at the server.
    """
    switch.obey()
    countries = {"ORDERSAGA_SANDBOX_UNSERVED_COUNTRIES": ",".join(mix.UNSERVED_COUNTRIES)}
    ports = ports or ports_for_a_stack()
    chosen = replace(
        options or StackOptions(),
        **{f"{name}_port": port for name, port in asdict(ports).items()},
        extra_env=countries,
    )
    async with EmbeddedStack(folder, chosen, progress=say) as stack:
        found = _settings_of(stack.settings_env())
        settings = Settings(**{**found, "database_url": database_url or found["database_url"]})
        async with open_services(settings, application_name="chaos") as services:
            sagas = OrderSagaClient(await services.temporal())
            yield ChaosShop(stack, services, sagas)


def _settings_of(env: dict[str, str]) -> dict[str, Any]:
    prefix = "ORDERSAGA_"
    return {name.removeprefix(prefix).lower(): value for name, value in env.items()}


def real_orders(file: Path, count: int, seed: int, *, stripe: bool = False) -> list[PlannedOrder]:
    """Orders of a file, with cards that are declined and captures on shipment here and there.

    Which ones are taken, and in which order they come in, depends on the seed. If the file holds
    too few, they are placed again under other ids. Cards are those of the sandbox, or of Stripe.
    """
    with read_plan(Request(file)) as plan:
        orders = mix.with_payments(plan.orders())
    if stripe:
        orders = [_paid_at_stripe(order) for order in orders]
    times = -(-count // len(orders))
    placed = [_again(order, turn) for turn in range(times) for order in orders]
    return random.Random(seed).sample(placed, count)


def _paid_at_stripe(order: PlannedOrder) -> PlannedOrder:
    """The same order, paid with a test card of Stripe."""
    document = order.document
    assert document.payment is not None
    assert document.payment.token is not None
    card = STRIPE_CARDS[document.payment.token]
    return replace(order, document=replace(document, payment=replace(document.payment, token=card)))


def _again(order: PlannedOrder, turn: int) -> PlannedOrder:
    """The same order, placed once more by the same customer."""
    if not turn:
        return order
    order_id = OrderId(f"{order.document.order_id}-{turn + 1}")
    return replace(order, document=replace(order.document, order_id=order_id))


async def lose_temporal(stack: EmbeddedStack) -> int:
    """Destroy the database of the Temporal server and start an empty one; returns its bytes."""
    async with stack.without("temporal"):
        return sum(destroy(each) for each in stack.data_dir.glob("temporal.db*"))


async def patiently(ask: Callable[[], Awaitable[T]], limit_s: float = 180.0) -> T:
    """Ask again and again while servers are down."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            return await ask()
        except* (*OUTAGES, WorkflowQueryFailedError, SagaUnknown) as problem:
            if time.monotonic() > deadline:
                raise problem.exceptions[0] from problem
        await asyncio.sleep(0.25)
