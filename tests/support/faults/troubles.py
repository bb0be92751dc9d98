"""The troubles of PostgreSQL and Temporal that no order may pay for, as one table.

Each is a context on an exposed stack. Most say which processes cannot do their work meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from ordersaga.embedded.layout import GRANTS, NOTIFICATIONS, POSTGRES, TEMPORAL
from tests.support.faults import database
from tests.support.faults.exposed import ROLES, Exposed
from tests.support.faults.proxy import HOST, Proxy, Way
from tests.support.stores.pgbouncer import PROGRAM, pooled

Make = Callable[[Exposed], AbstractAsyncContextManager[None]]

_LOGINS: Final = tuple(login for logins in GRANTS.values() for login in logins)
_ALL: Final = frozenset(ROLES)
_APPENDING: Final = frozenset({"worker-orders", "worker-steps"})
_OF_TEMPORAL: Final = _APPENDING | {"starter"}
_SLOW_S: Final = 0.3
_ANSWERS: Final = frozenset({Way.TO_CLIENT})
_REQUESTS: Final = frozenset({Way.TO_SERVER})


@asynccontextmanager
async def _nothing(_site: Exposed) -> AsyncIterator[None]:
    yield


async def _nothing_told(_site: Exposed, _begun: datetime) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that goes wrong.

    Attributes:
        make: begins it, and ends it at the end of the context.
        idle: processes that cannot do their work meanwhile, and must say so.
        either: processes that share this work with the other of their kind, so that one of the two
            says so at some time; and what it names.
        in_turns: processes that get what they need in turns: each must say at some time that it
            cannot work.
        busy: processes that can work, and must say so.
        before: what has to be there before it begins, and is there until all is over.
        possible: whether it can be made here and now.
        told: what is wrong with what people were told since the trouble began, asked when it is
            over.
    """

    make: Make
    idle: frozenset[str] = frozenset()
    either: Mapping[str, str] = field(default_factory=dict)
    in_turns: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()
    before: Make = _nothing
    possible: Callable[[Exposed], bool] = lambda _: True
    told: Callable[[Exposed, datetime], Awaitable[list[str]]] = _nothing_told


# --- servers -------------------------------------------------------------------------------------


def _locked(table: str) -> Make:
    return lambda site: database.locked(site.url, table)


def _stopped(server: str) -> Make:
    return lambda site: site.stack.without(server)


def _frozen(server: str) -> Make:
    @asynccontextmanager
    async def make(site: Exposed) -> AsyncIterator[None]:
        with database.frozen(site.pid(server)):
            yield

    return make


@asynccontextmanager
async def _full(site: Exposed) -> AsyncIterator[None]:
    assert site.disk is not None, "only root may mount a small disk"
    with database.full(site.disk):
        yield


@asynccontextmanager
async def _through_pooler(site: Exposed) -> AsyncIterator[None]:
    with pooled(site.server, "session") as site.pooler:
        direct, site.database.target = site.database.target, (HOST, site.pooler.port)
        site.database.reset()
        try:
            yield
        finally:
            site.database.target = direct
            site.database.reset()


@asynccontextmanager
async def _pooler_away(site: Exposed) -> AsyncIterator[None]:
    assert site.pooler is not None
    stopping = asyncio.create_task(asyncio.to_thread(site.pooler.stop))
    try:
        await asyncio.shield(stopping)
        yield
    finally:
        await asyncio.wait({stopping})
        await asyncio.to_thread(site.pooler.start)


@asynccontextmanager
async def _with_replica(site: Exposed) -> AsyncIterator[None]:
    await site.copy()
    yield


@asynccontextmanager
async def _primary_dead(site: Exposed) -> AsyncIterator[None]:
    """Its host is gone without a word; in the end the replica takes its place."""
    site.closing.enter_context(database.frozen(site.pid(POSTGRES)))
    yield
    await site.fail_over()


# --- connections ---------------------------------------------------------------------------------


def carried(which: str, change: Callable[[Proxy], None]) -> Make:
    """The proxy before a server does something to connections."""

    @asynccontextmanager
    async def make(site: Exposed) -> AsyncIterator[None]:
        proxy: Proxy = getattr(site, which)
        change(proxy)
        try:
            yield
        finally:
            proxy.forward()
            proxy.end_forgotten()

    return make


def reset_and_refuse(proxy: Proxy) -> None:
    proxy.refuse()
    proxy.reset()


def _sessions_killed(site: Exposed) -> AbstractAsyncContextManager[None]:
    return database.killed_connections(site.url, *_LOGINS)


DATABASE_TROUBLES: Final[Mapping[str, Trouble]] = {
    "read-only": Trouble(lambda site: database.read_only(site.url), _ALL),
    "login-refused": Trouble(lambda site: database.login_refused(site.url, *_LOGINS), _ALL),
    "streams-locked": Trouble(_locked("eventstore.streams"), _APPENDING),
    "events-locked": Trouble(_locked("eventstore.events"), _ALL - {NOTIFICATIONS}),
    "read-model-locked": Trouble(
        _locked("read_models.current_orders"),
        either={"projections": "current_orders"},
        busy=_APPENDING,
    ),
    "frozen": Trouble(_frozen(POSTGRES), _ALL),
    "disk-full": Trouble(_full, _APPENDING, possible=lambda site: site.disk is not None),
    "stopped": Trouble(_stopped(POSTGRES), _ALL),
}
NETWORK_TROUBLES: Final[Mapping[str, Trouble]] = {
    "present-silent": Trouble(carried("database", Proxy.forget), busy=_ALL),
    "all-silent": Trouble(carried("database", Proxy.hold), _ALL),
    "answers-lost": Trouble(
        carried("database", lambda p: p.hold(frozenset({Way.TO_CLIENT}))), _ALL
    ),
    "requests-lost": Trouble(
        carried("database", lambda p: p.hold(frozenset({Way.TO_SERVER}))), _ALL
    ),
    "slow": Trouble(carried("database", lambda p: p.slow(_SLOW_S))),
    "bytes-lost": Trouble(carried("database", Proxy.halve), _ALL),
    "refused": Trouble(carried("database", reset_and_refuse), _ALL),
}
SESSION_TROUBLES: Final[Mapping[str, Trouble]] = {
    "sessions-killed": Trouble(_sessions_killed),
    "no-connection-left": Trouble(
        # A process that ends leaves its connections to the others.
        lambda site: database.no_connection_left(site.url, *_LOGINS),
        in_turns=_ALL,
    ),
    "pooler-restarted": Trouble(
        _pooler_away,
        _ALL,
        before=_through_pooler,
        possible=lambda _: Path(PROGRAM).exists(),
    ),
    "fail-over": Trouble(
        _primary_dead,
        _ALL,
        before=_with_replica,
        possible=lambda site: site.standby is None,
    ),
}
TEMPORAL_TROUBLES: Final[Mapping[str, Trouble]] = {
    "temporal-stopped": Trouble(_stopped(TEMPORAL), _OF_TEMPORAL, busy=_ALL - _OF_TEMPORAL),
    "temporal-frozen": Trouble(_frozen(TEMPORAL), _OF_TEMPORAL, busy=_ALL - _OF_TEMPORAL),
    "temporal-silent": Trouble(
        carried("temporal", Proxy.hold), _OF_TEMPORAL, busy=_ALL - _OF_TEMPORAL
    ),
    "temporal-slow": Trouble(
        carried("temporal", lambda p: p.slow(_SLOW_S)), busy=_ALL - _OF_TEMPORAL
    ),
}
TROUBLES: Final[Mapping[str, Trouble]] = {
    **DATABASE_TROUBLES,
    **NETWORK_TROUBLES,
    **SESSION_TROUBLES,
    **TEMPORAL_TROUBLES,
}
