"""One trouble beside real open orders, watched from its beginning until every order has ended."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle, repeat
from typing import Final

from adapters.providers.faults import Fault, FaultKind
from domain.ids import OrderId, order_stream
from eventstore.errors import StoreUnavailable
from ordersaga.demo import mix
from ordersaga.embedded.processes import ManagedProcess
from ordersaga.importing.plan import PlannedOrder
from ordersaga.operations.verification.facts import Stage
from ordersaga.operations.verification.run import read_facts
from ordersaga.operations.verification.wired import open_sources
from tests.support.faults.exposed import DRAIN_S, ROLES, Exposed, spare_of
from tests.support.faults.outlook import Outlook
from tests.support.faults.troubles import TEMPORAL_TROUBLES, TROUBLES, Trouble
from tests.support.stack.chaos_shop import Say, problems_of
from tests.support.stack.stack import until
from workflows.policies import ATTEMPT

_IN_PROGRESS_S: Final = 2.5  # what a provider takes to answer, so that orders are open
_SPARES_END_AFTER_S: Final = 8.0
_BUSY_LIMIT_S: Final = 60.0  # the trouble lasts until then
_END_LIMIT_S: Final = DRAIN_S + 2.0 + 1.0  # the last is for a busy machine


@dataclass(frozen=True, slots=True)
class Spell:
    """How a trouble is tried.

    Attributes:
        lasts_s: seconds from its beginning to its end.
        before: orders that are open when it begins; `during`: that are handed in meanwhile.
        settle_s: the most seconds until everybody is ready and every order has ended.
    """

    lasts_s: float
    before: int = 60
    during: int = 10
    settle_s: float = 300.0

    @property
    def orders(self) -> int:
        """How many it takes."""
        return self.before + self.during


SHORT: Final = Spell(lasts_s=2.3 * ATTEMPT.total_seconds())
"""Longer than twice the limit of an attempt, the longest there is."""


@dataclass(slots=True)
class Outcome:
    """How it went.

    Attributes:
        open_at_begin: orders that were open when the trouble began.
        idle_after_s: seconds until a process said that it cannot work; by name.
        ready_after_s: seconds from the end of the trouble until it could again; by name.
        ended_after_s: seconds from the end of the trouble until no order was open.
        sigterm_s: seconds from SIGTERM to the end of a process, in the middle of the trouble.
        orders: how many ended how; cancelled ones with their reason.
        undone: refunds and cancelled labels.
        log_lines: lines that a process wrote while the trouble lasted.
        problems: everything that must not be.
    """

    trouble: str
    lasted_s: float
    open_at_begin: int = 0
    idle_after_s: dict[str, float] = field(default_factory=dict)
    ready_after_s: dict[str, float] = field(default_factory=dict)
    ended_after_s: float | None = None
    sigterm_s: dict[str, float] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    undone: dict[str, int] = field(default_factory=dict)
    log_lines: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def harmless(orders: Sequence[PlannedOrder]) -> list[PlannedOrder]:
    """Those that end as completed unless a trouble is in the way."""
    return [
        order
        for order in orders
        if order.document.payment.token == "tok_visa"
        and order.document.address.country not in mix.UNSERVED_COUNTRIES
    ]


async def undergo(
    site: Exposed,
    name: str,
    orders: Sequence[PlannedOrder],
    spell: Spell,
    say: Say,
    troubles: Mapping[str, Trouble] = TROUBLES,
) -> Outcome:
    """Let one trouble happen to open orders, and see them to their end."""
    trial = _Trial(site, troubles[name], spell, Outcome(name, spell.lasts_s), say)
    return await trial.run(orders)


class _Trial:
    def __init__(
        self, site: Exposed, trouble: Trouble, spell: Spell, outcome: Outcome, say: Say
    ) -> None:
        self._site = site
        self._shop = site.shop
        self._trouble = trouble
        self._spell = spell
        self._print = say
        self._outcome = outcome
        self._outlook = Outlook({name: site.health[name] for name in site.running}, self._say)
        self._orders: list[OrderId] = []

    def _say(self, line: str) -> None:
        self._print(f"{self._outcome.trouble}: {line}")

    async def run(self, orders: Sequence[PlannedOrder]) -> Outcome:
        site, spell = self._site, self._spell
        await self._shop.receive_stock_for(orders, some_short=False)
        async with self._outlook.watched(), self._trouble.before(site):
            await self._until(self._all_ready, spell.settle_s, "not ready before the trouble")
            await self._providers_take_time()
            await self._submit(orders[: spell.before], cycle((True, False)))
            await self._until(self._all_known, spell.settle_s, "orders are not in the store")
            self._outcome.open_at_begin = len(await self._shop.open())
            self._say(f"begins beside {self._outcome.open_at_begin} open orders")
            pids, lines, begun = site.pids(), self._lines_logged(), datetime.now(UTC)
            began = self._outlook.began = time.monotonic()
            async with self._trouble.make(site):
                await self._meanwhile(orders[spell.before :])
                await self._judge_health(began)
            self._outcome.log_lines = {n: x - lines[n] for n, x in self._lines_logged().items()}
            await self._afterwards()
            for problem in await self._trouble.told(site, begun):
                self._problem(problem)
            if site.pids() != pids:
                self._problem("a process was restarted")
        await self._count()
        return self._outcome

    # --- before ----------------------------------------------------------------------------------

    async def _providers_take_time(self) -> None:
        """So that orders are open at every step, some with an answer that is on its way."""
        for kind in (FaultKind.DELAY_BEFORE, FaultKind.DELAY_AFTER):
            for control, operation in (
                (self._shop.payment, "confirm"),
                (self._shop.carrier, "buy_label"),
            ):
                await control.add(Fault(kind, operation, rate=0.6, delay_s=_IN_PROGRESS_S))

    async def _submit(self, orders: Sequence[PlannedOrder], ways: Iterable[bool]) -> None:
        async with asyncio.TaskGroup() as group:
            for order, through_temporal in zip(orders, ways, strict=False):
                self._orders.append(order.document.order_id)
                group.create_task(self._shop.submit(order, through_temporal=through_temporal))

    # --- while it lasts --------------------------------------------------------------------------

    async def _meanwhile(self, orders: Sequence[PlannedOrder]) -> None:
        of_temporal = self._outcome.trouble in TEMPORAL_TROUBLES
        async with asyncio.TaskGroup() as group:
            group.create_task(self._submit(orders, repeat(not of_temporal)))
            group.create_task(self._providers_take_no_time())
            for name, spare in self._site.spares.items():
                group.create_task(self._end(name, spare))
            await asyncio.sleep(self._outcome.lasted_s)

    async def _providers_take_no_time(self) -> None:
        await asyncio.sleep(_IN_PROGRESS_S)
        await self._shop.calm_down()

    async def _end(self, name: str, spare: ManagedProcess) -> None:
        await asyncio.sleep(_SPARES_END_AFTER_S)
        pid, asked = spare.pid, time.monotonic()
        if pid is None:
            self._problem(f"{name} was dead")
            return
        os.kill(pid, signal.SIGTERM)
        if not await self._until(lambda: spare.pid != pid, _END_LIMIT_S, f"{name} ignored SIGTERM"):
            os.kill(pid, signal.SIGKILL)
        self._outcome.sigterm_s[name] = _rounded(time.monotonic() - asked)

    async def _judge_health(self, began: float) -> None:
        trouble, outlook = self._trouble, self._outlook
        with suppress(TimeoutError):  # a machine without time says so too, and takes it back
            await until(lambda: all(map(outlook.ready, trouble.busy)), _BUSY_LIMIT_S)
        idle = {name: outlook.until(name, began, ready=False) for name in trouble.idle}
        idle |= {name: outlook.first_bad(name, began) for name in trouble.in_turns}
        for name, word in trouble.either.items():
            idle[name] = outlook.first_said(word, (name, spare_of(name)), began)
        for name, seconds in sorted(idle.items()):
            if seconds is None:
                self._problem(f"{name} did not say that it cannot work")
            else:
                self._outcome.idle_after_s[name] = _rounded(seconds)
        for name in sorted(trouble.busy):
            if not outlook.ready(name):
                self._problem(f"{name} said that it cannot work")

    # --- afterwards ------------------------------------------------------------------------------

    async def _afterwards(self) -> None:
        ended, limit = time.monotonic(), self._spell.settle_s
        self._say("is over")
        await self._until(self._all_ready, limit, "not ready after the trouble")
        for name in self._site.running:
            seconds = self._outlook.until(name, ended, ready=True)
            if seconds is not None:
                self._outcome.ready_after_s[name] = _rounded(seconds)
        if await self._until(self._all_ended, limit, "orders are open"):
            self._outcome.ended_after_s = _rounded(time.monotonic() - ended)
            self._say(f"all orders ended {self._outcome.ended_after_s} s after it")
        self._outcome.problems += self._outlook.dead(ROLES)

    async def _count(self) -> None:
        facts, _ = await read_facts(await open_sources(self._shop.services))
        ended, undone = Counter[str](), Counter[str]()
        for order_id in self._orders:
            order = facts.order(order_id)
            how = await self._reason(order_id) if order.stage is Stage.CANCELLED else order.stage
            ended[how] += 1
            undone["refunds"] += len(order.refunds)
            undone["labels cancelled"] += len(order.labels) - len(order.live_labels)
        self._outcome.orders, self._outcome.undone = dict(ended), dict(undone)
        for how, count in self._outcome.orders.items():
            if how != Stage.COMPLETED:
                self._problem(f"{count} orders: {how}")
        self._outcome.problems += problems_of(await self._shop.verify())

    async def _reason(self, order_id: OrderId) -> str:
        services = self._shop.services
        events = await services.redacted_store.read_stream(order_stream(order_id))
        last = services.codec.decode(events[-1])
        return f"cancelled: {getattr(last, 'reason', last)}"

    # --- looking ---------------------------------------------------------------------------------

    def _all_ready(self) -> bool:
        return all(self._outlook.ready(name) for name in self._site.running)

    async def _all_known(self) -> bool:
        heads = [order_stream(order_id) for order_id in self._orders]
        known = await self._shop.services.redacted_store.read_streams(heads)
        return all(known.values())

    async def _all_ended(self) -> bool:
        try:
            return await self._all_known() and not await self._shop.open()
        except StoreUnavailable:  # after a fail-over, the first session of a process is refused
            return False

    async def _until(
        self, holds: Callable[[], bool | Awaitable[bool]], limit_s: float, problem: str
    ) -> bool:
        try:
            await until(holds, limit_s)
        except TimeoutError:
            self._problem(f"{problem}, for {limit_s:g} s")
            return False
        return True

    def _problem(self, text: str) -> None:
        self._say(f"PROBLEM: {text}")
        self._outcome.problems.append(text)

    def _lines_logged(self) -> dict[str, int]:
        logs = self._shop.stack.data_dir / "logs"
        return {role: (logs / f"{role}.log").read_bytes().count(b"\n") for role in ROLES}


def _rounded(seconds: float) -> float:
    return round(seconds, 1)
