"""A network of queues, simulated: stations with servers, and orders that go from one to the next.

Orders arrive at random times, independent of each other. A station serves in the order of arrival.
Service times vary as an exponential distribution does, which is more than ours do.
"""

import heapq
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True, slots=True)
class Station:
    """Something that serves orders.

    Attributes:
        name: of the station.
        servers: how many orders it serves at the same time: processes, or cores.
        busy_s: for how long an order keeps a server busy, over all its visits.
    """

    name: str
    servers: int
    busy_s: float


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulation found.

    Attributes:
        busy: the share of its time that the servers of each station worked.
        p50_s: half of the orders took no longer.
        p99_s: 99 of 100 orders took no longer.
        first_s: mean of the orders of the second tenth; the first tenth fills the queues.
        last_s: mean of the last tenth; much more than `first_s` if queues grow.
    """

    busy: Mapping[str, float]
    p50_s: float
    p99_s: float
    first_s: float
    last_s: float

    @property
    def is_steady(self) -> bool:
        """Whether the queues do not grow with time."""
        return self.last_s < 2 * self.first_s


def simulate(
    stations: Sequence[Station], route: Sequence[str], per_s: float, orders: int, seed: int = 1
) -> Simulated:
    """Let orders arrive and go their way.

    Args:
        stations: all of them.
        route: the names of the stations that an order visits, one after the other; it keeps a
            station busy for the same time at each of its visits there.
        per_s: orders that arrive a second.
        orders: how many arrive.
        seed: the same seed, the same arrivals.
    """
    chance = random.Random(seed)
    free = {each.name: [0.0] * each.servers for each in stations}
    visit_s = {each.name: each.busy_s / route.count(each.name) for each in stations}
    busy_s = dict.fromkeys(free, 0.0)
    arrived, took, now = [0.0] * orders, [0.0] * orders, 0.0
    coming: list[tuple[float, int, int]] = []
    for order in range(orders):
        now += chance.expovariate(per_s)
        arrived[order] = now
        coming.append((now, order, 0))
    heapq.heapify(coming)
    while coming:
        now, order, stage = heapq.heappop(coming)
        if stage == len(route):
            took[order] = now - arrived[order]
            continue
        station = route[stage]
        service_s = chance.expovariate(1 / visit_s[station])
        ends = max(now, free[station][0]) + service_s
        heapq.heapreplace(free[station], ends)
        busy_s[station] += service_s
        heapq.heappush(coming, (ends, order, stage + 1))
    tenth = orders // 10
    in_order = sorted(took[tenth:])
    return Simulated(
        busy={each.name: busy_s[each.name] / (each.servers * now) for each in stations},
        p50_s=in_order[len(in_order) // 2],
        p99_s=in_order[int(len(in_order) * 0.99)],
        first_s=fmean(took[tenth : 2 * tenth]),
        last_s=fmean(took[-tenth:]),
    )
