"""What goes wrong during chaos: processes die, servers are troubled, providers misbehave, people
interfere."""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from dataclasses import dataclass, field

import aiohttp
import psutil
from ordersaga_client import NotPossibleNow, SagaUnknown

from adapters.providers.faults import Fault, FaultKind
from domain.ids import OrderId, order_stream
from tests.support.cluster import switch
from tests.support.faults.chaos_cluster import ClusterWeather
from tests.support.faults.database import frozen
from tests.support.faults.exposed import Exposed
from tests.support.faults.troubles import TROUBLES
from tests.support.stack.chaos_shop import OUTAGES, ChaosShop

ROLES = (
    "worker-orders",
    "worker-steps",
    "projections",
    "starter",
    "sandboxes",
    "postgres",
    "temporal",
)
STRIPE = "stripe-sandbox"
_KINDS = (
    (FaultKind.UNAVAILABLE, 0.0),
    (FaultKind.SERVER_ERROR, 0.0),
    (FaultKind.REQUEST_LOST, 0.0),
    (FaultKind.ANSWER_LOST, 0.0),
    (FaultKind.ANSWER_LOST, 0.0),
    (FaultKind.GARBAGE, 0.0),
    (FaultKind.REJECTED, 0.0),
    (FaultKind.DELAY_BEFORE, 2.0),
    (FaultKind.DELAY_BEFORE, 7.0),  # longer than a gateway waits: the work is done all the same
    (FaultKind.DELAY_AFTER, 7.0),
)
_OF_STRIPE = (
    (FaultKind.SAVED_ERROR, 0.0),
    (FaultKind.SAVED_ERROR_AFTER, 0.0),
    (FaultKind.IN_WORK, 0.0),
    (FaultKind.RATE_LIMITED, 2.0),
    (FaultKind.LOCKED, 0.0),
    (FaultKind.HUGE_ANSWER, 0.0),
    (FaultKind.PROCESSING, 20.0),  # a slow charge
)
_OPERATIONS = {
    "payment": ("*", "create", "confirm", "read", "capture", "void", "refund"),
    STRIPE: ("*", "create", "confirm", "retrieve", "capture", "cancel", "refund", "bank"),
    "carrier": ("*", "buy_label", "find", "cancel_label"),
}


@dataclass(slots=True)
class Weather:
    """Breaks things at random; what it did stands in the counters.

    Attributes:
        pause_s: seconds between two attacks on processes, on average; between troubles three times.
        trouble_s: seconds that a trouble of a server lasts, and up to half as many more.
        kills: SIGKILLs by role; `stops` are SIGTERMs, `freezes` SIGSTOPs that end after a while.
    """

    site: Exposed
    chance: random.Random
    pause_s: float
    trouble_s: float
    kills: Counter[str] = field(default_factory=Counter)
    stops: Counter[str] = field(default_factory=Counter)
    freezes: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    over: bool = False  # Temporal's client turns a cancellation of ours into an error of its own

    @property
    def shop(self) -> ChaosShop:
        """The shop on the site."""
        return self.site.shop

    async def blow(self) -> None:
        """Go on until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._end_processes(group))
            group.create_task(self._trouble_servers())
            group.create_task(self._spoil(STRIPE if self.shop.stripe else "payment"))
            group.create_task(self._spoil("carrier"))
            group.create_task(self._interfere())
            if switch.is_chosen():
                cluster = (self.shop.stack, self.chance, self.pause_s, self.kills, self.freezes)
                group.create_task(ClusterWeather(*cluster).blow())

    # --- processes -------------------------------------------------------------------------------

    async def _end_processes(self, group: asyncio.TaskGroup) -> None:
        while not self.over:
            await asyncio.sleep(self.chance.expovariate(1 / self.pause_s))
            roles = (*ROLES, STRIPE) if self.shop.stripe else ROLES
            role, how = self.chance.choice(roles), self.chance.random()
            pid = self.shop.stack.pids().get(role)
            if pid is None:  # dead already
                continue
            if how < 0.75:
                self._signal(pid, signal.SIGKILL)
                self.kills[role] += 1
            elif how < 0.85:
                # SIGTERM would let PostgreSQL wait for its clients to leave, who never do.
                self._signal(pid, signal.SIGINT if role == "postgres" else signal.SIGTERM)
                self.stops[role] += 1
            else:
                group.create_task(self._freeze(role, pid))

    async def _freeze(self, role: str, pid: int) -> None:
        """A process that stands still for a while and then goes on as if nothing had been."""
        self.freezes[role] += 1
        with contextlib.suppress(psutil.NoSuchProcess), frozen(pid):
            await asyncio.sleep(self.chance.uniform(1, 12))

    def _signal(self, pid: int, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    # --- servers ---------------------------------------------------------------------------------

    async def _trouble_servers(self) -> None:
        while not self.over:
            await asyncio.sleep(self.chance.expovariate(1 / (3 * self.pause_s)))
            possible = [name for name, each in TROUBLES.items() if each.possible(self.site)]
            name = self.chance.choice(possible)
            self.troubles[name] += 1
            with contextlib.suppress(*OUTAGES):  # the server was killed meanwhile
                async with TROUBLES[name].before(self.site), TROUBLES[name].make(self.site):
                    await asyncio.sleep(self.trouble_s * self.chance.uniform(1, 1.5))

    # --- providers -------------------------------------------------------------------------------

    async def _spoil(self, provider: str) -> None:
        control = self.shop.carrier if provider == "carrier" else self.shop.payment
        kinds = (*_KINDS, *_OF_STRIPE) if provider == STRIPE else _KINDS
        while not self.over:
            await asyncio.sleep(self.chance.uniform(0.5, 4))
            kind, delay_s = self.chance.choice(kinds)
            operation = self.chance.choice(_OPERATIONS[provider])
            rate = self.chance.choice((0.1, 0.3, 0.6, 1.0))
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                number = await control.add(Fault(kind, operation, rate=rate, delay_s=delay_s))
                self.faults[kind.value] += 1
                await asyncio.sleep(self.chance.uniform(1, 10))
                await control.remove(number)

    # --- people ----------------------------------------------------------------------------------

    async def _interfere(self) -> None:
        while not self.over:
            await asyncio.sleep(self.chance.expovariate(1 / 1.5))
            submitted = sorted(self.shop.submitted)[-40:]
            if not submitted:
                continue
            order_id = self.chance.choice(submitted)
            act = self.chance.choice(("cancel", "cancel", "hold", "retry", "terminate", "native"))
            if await self._do(act, order_id):
                self.people[act] += 1

    async def _do(self, act: str, order_id: OrderId) -> bool:
        sagas, by = self.shop.sagas, {"actor": "chaos", "reason": "chance"}
        handle = (await self.shop.services.temporal()).get_workflow_handle(order_stream(order_id))
        try:
            async with asyncio.timeout(5):
                match act:
                    case "cancel":
                        await sagas.cancel(order_id, **by)
                    case "hold":
                        await sagas.hold(order_id, **by)
                    case "retry":
                        await sagas.retry(order_id, **by)
                    case "terminate":
                        await self._require_known(order_id)
                        await handle.terminate("chance")
                    case "native":
                        await handle.cancel()
        except (NotPossibleNow, SagaUnknown, *OUTAGES):
            return False
        return True

    async def _require_known(self, order_id: OrderId) -> None:
        """Nothing can bring back a saga that was terminated before its first step."""
        if not await self.shop.services.redacted_store.read_stream(order_stream(order_id), limit=1):
            raise SagaUnknown(f"order {order_id} is not in the event store yet")
