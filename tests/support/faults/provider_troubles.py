"""The troubles of the payment provider and the carrier that no order may pay for, as one table.

Each must become one incident, however many orders wait, and call nobody for an order.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Final

from ordersaga.incidents.table import BEGUN, ENDED, list_incidents
from projections.outbox.outbox import list_notifications
from tests.support.faults.exposed import ROLES, Exposed
from tests.support.faults.proxy import HOST, Proxy
from tests.support.faults.troubles import Make, Trouble, carried, reset_and_refuse
from tests.support.faults.wrong_answers import Answer, answering, endless, garbage, status
from tests.support.stack.stack import until

_SLOW_S: Final = 7.0  # longer than a client waits; the work is done all the same
_ENDED_WITHIN_S: Final = 150.0
_MANY: Final = 1000
PROVIDERS: Final[Mapping[str, str]] = {"payment": "payment provider", "carrier": "carrier"}
"""Names of the proxies, and of the providers behind them."""


def _answered(which: str, answer: Answer) -> Make:
    """Somebody else answers in the provider's place."""

    @asynccontextmanager
    async def make(site: Exposed) -> AsyncIterator[None]:
        proxy: Proxy = getattr(site, which)
        async with answering(answer) as port:
            provider, proxy.target = proxy.target, (HOST, port)
            proxy.reset()
            try:
                yield
            finally:
                proxy.target = provider
                proxy.reset()

    return make


KINDS: Final[Mapping[str, Callable[[str], Make]]] = {
    "down": lambda which: carried(which, reset_and_refuse),
    "401": lambda which: _answered(which, status(401)),
    "403": lambda which: _answered(which, status(403)),
    "429": lambda which: _answered(which, status(429)),
    "429-later": lambda which: _answered(which, status(429, Retry_After="20")),
    "500": lambda which: _answered(which, status(500)),
    "503": lambda which: _answered(which, status(503)),
    "slow": lambda which: carried(which, lambda proxy: proxy.slow(_SLOW_S)),
    "silent": lambda which: carried(which, Proxy.hold),
    "garbage": lambda which: _answered(which, garbage),
    "400-mb": lambda which: _answered(which, endless),
}


async def _one_incident(which: str, site: Exposed, begun: datetime) -> list[str]:
    """What is wrong with what people were told since a trouble began."""
    provider, pool = PROVIDERS[which], site.shop.services.pool

    async def has_ended() -> bool:
        incidents = await list_incidents(pool, _MANY)
        return all(each.ended_at is not None for each in incidents)

    problems = []
    try:
        await until(has_ended, _ENDED_WITHIN_S)
    except TimeoutError:
        problems.append("an incident has not ended")
    # On a busy machine a provider may have been too slow before the trouble: that incident goes on.
    incidents = [
        each
        for each in await list_incidents(pool, _MANY)
        if each.ended_at is None or each.ended_at >= begun
    ]
    if [each.provider for each in incidents] != [provider]:
        problems.append(f"not one incident of the {provider}: {incidents}")
    rows = [
        row
        for row in (await list_notifications(pool, limit=_MANY)).items
        if row.occurred_at >= begun
    ]
    told = sorted(row.kind for row in rows if row.kind.startswith("provider."))
    if told != sorted([ENDED, *(BEGUN for each in incidents if each.begun_at >= begun)]):
        problems.append(f"told: {told}")
    calls = [f"{row.kind} {row.subject}" for row in rows if "attention" in row.kind]
    return problems + calls


def _trouble(which: str, make: Make) -> Trouble:
    return Trouble(make, busy=frozenset(ROLES), told=partial(_one_incident, which))


PROVIDER_TROUBLES: Final[Mapping[str, Trouble]] = {
    f"{which}-{kind}": _trouble(which, make(which))
    for which in PROVIDERS
    for kind, make in KINDS.items()
}
