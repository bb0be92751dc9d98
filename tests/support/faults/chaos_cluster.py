"""What goes wrong in a Temporal cluster during chaos: each process is killed and frozen."""

import asyncio
import contextlib
import os
import random
import re
import signal
from collections import Counter
from dataclasses import dataclass

import asyncpg
import psutil

from ordersaga.embedded.layout import TEMPORAL
from ordersaga.embedded.stack import EmbeddedStack
from tests.support.cluster.layout import PARTS, Layout, members
from tests.support.faults.database import LOST, frozen

_LONGEST_BUDGET_S = 16.0
"""Ours say within 15 s that they cannot work; the members of a cluster give one up sooner."""

_KILL, _FREEZE = "kill", "freeze"


def role_of(part: str) -> str:
    """The name of a part of the cluster beside the roles of the stack."""
    return f"{TEMPORAL}-{part}"


ROLES = tuple(map(role_of, PARTS))


@dataclass(slots=True)
class ClusterWeather:
    """Attacks one process of a cluster after the other; what it did stands in the counters.

    Attributes:
        pause_s: seconds between the end of an attack and the next, on average.
    """

    stack: EmbeddedStack
    chance: random.Random
    pause_s: float
    kills: Counter[str]
    freezes: Counter[str]

    async def blow(self) -> None:
        """Go on until cancelled; in each round every process is killed once and frozen once."""
        attacks = [(part, how) for part in PARTS for how in (_KILL, _FREEZE)]
        while True:
            for part, how in self.chance.sample(attacks, len(attacks)):
                await asyncio.sleep(self.chance.expovariate(1 / self.pause_s))
                await self._attack(part, how)

    async def _attack(self, part: str, how: str) -> None:
        pid = await self._pid(part)
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if how == _KILL:
                os.kill(pid, signal.SIGKILL)
                self.kills[role_of(part)] += 1
                return
            with frozen(pid):
                self.freezes[role_of(part)] += 1
                await asyncio.sleep(_LONGEST_BUDGET_S * self.chance.uniform(1, 1.5))

    async def _pid(self, part: str) -> int:
        """Of the process, once it runs: the whole cluster may have been killed."""
        while True:
            pid = members(self.stack.pids().get(TEMPORAL, 0)).get(part)
            if pid is not None:
                return pid
            await asyncio.sleep(0.5)


def restarts(stack: EmbeddedStack) -> Counter[str]:
    """How often each process of the cluster was started again while its own parent lived."""
    log = (stack.data_dir / "logs" / f"{TEMPORAL}.log").read_text(errors="replace")
    found = re.findall(r"^(\S+) restarted", log, re.MULTILINE)
    return Counter(role_of(part) for part in found if part in PARTS)


async def shard_owners(stack: EmbeddedStack) -> int:
    """How often a history process took over a shard, since the cluster was made."""
    layout = Layout.found(stack.data_dir / "temporal.db")
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(*LOST):
                connection = await asyncpg.connect(layout.database_url)
                owners: int = await connection.fetchval("SELECT sum(range_id)::int FROM shards")
                await connection.close()
                return owners
            await asyncio.sleep(0.5)
