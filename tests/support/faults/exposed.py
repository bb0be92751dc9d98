"""A stack whose database and Temporal can be troubled: proxies, a small disk, spare processes."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ordersaga.embedded.layout import (
    APPLICATION_ROLES,
    DATABASE,
    NOTIFICATIONS,
    POSTGRES,
    Ports,
    StackLayout,
    login_of,
)
from ordersaga.embedded.postgres import EmbeddedPostgres
from ordersaga.embedded.processes import ManagedProcess
from ordersaga.embedded.stack import EmbeddedStack, StackOptions
from tests.support.faults.database import small_disk
from tests.support.faults.proxy import HOST, Proxy
from tests.support.faults.replica import Replica
from tests.support.stack.chaos_shop import ChaosShop, Say, chaos_shop, ports_for_a_stack
from tests.support.stack.stack import free_ports
from tests.support.stores.pgbouncer import PgBouncer
from tests.support.stores.postgres_server import let_pass

ROLES: Final = (*APPLICATION_ROLES, NOTIFICATIONS)
DRAIN_S: Final = 11.0  # what ships
_DISK_MEGABYTES: Final = 400
_CONNECTIONS: Final = "4"  # of each process: there may be two of each kind


@dataclass
class Exposed:
    """What troubles act on.

    Attributes:
        server: the PostgreSQL that the stack runs.
        database: between the processes and PostgreSQL; `temporal`, `payment` and `carrier`
            likewise.
        ours: between this program and PostgreSQL, untroubled.
        disk: the small file system that holds the database; None without the right to mount one.
        health: port of each process's health addresses, by name.
        spares: a second process of each kind, by name, to be ended during a trouble.
        standby: a replica of the database; `primary` where it took its place.
        pooler: what the processes connect through in some troubles.
    """

    shop: ChaosShop
    server: EmbeddedPostgres
    database: Proxy
    temporal: Proxy
    payment: Proxy
    carrier: Proxy
    ours: Proxy
    disk: Path | None
    health: Mapping[str, int]
    closing: AsyncExitStack
    spares: Mapping[str, ManagedProcess]
    standby: Replica | None = None
    primary: Replica | None = None
    pooler: PgBouncer | None = None

    @property
    def stack(self) -> EmbeddedStack:
        """The stack itself."""
        return self.shop.stack

    @property
    def url(self) -> str:
        """The database for a superuser, on the server that is the primary now."""
        return (self.primary or self.server).url(DATABASE)

    @property
    def running(self) -> tuple[str, ...]:
        """The names of all processes that do work."""
        return (*ROLES, *self.spares)

    def pids(self) -> dict[str, int]:
        """Process id by role, spares left out."""
        return {role: pid for role, pid in self.stack.pids().items() if role in ROLES}

    def pid(self, server: str) -> int:
        """Process id of a server of the stack, or of the replica that took its place."""
        if server == POSTGRES and self.primary is not None:
            return self.primary.pid
        return self.stack.pids()[server]

    async def copy(self) -> None:
        """Have a replica that follows the database from now on."""
        copy = Replica(self.server, self.stack.data_dir / "replica")
        starting = asyncio.create_task(asyncio.to_thread(copy.start))

        async def stop() -> None:
            await asyncio.wait({starting})  # who waited for the start may have been cancelled
            await asyncio.to_thread(copy.stop)

        self.closing.push_async_callback(stop)
        await asyncio.shield(starting)
        await copy.follow()
        self.standby = copy

    async def fail_over(self) -> None:
        """Promote the replica: new connections go there, the present ones stay where they are."""
        assert self.standby is not None
        await self.standby.promote()
        self.primary = self.standby
        self.database.target = self.ours.target = (HOST, self.standby.port)
        self.ours.reset()


@asynccontextmanager
async def exposed_shop(
    folder: Path, say: Say, *, with_spares: bool = False, stripe: bool = False
) -> AsyncIterator[Exposed]:
    """A stack behind proxies with its data in `folder`; `stripe`: paid at the stand-in for it."""
    ports = ports_for_a_stack(stripe=stripe)
    names = [*ROLES, *map(spare_of, ROLES)]
    health = dict(zip(names, free_ports(len(names)), strict=True))
    server = EmbeddedPostgres(folder / "pgdata", ports.postgres)
    async with AsyncExitStack() as closing:
        disk = _small_disk(folder, closing)
        database, ours = (closing.enter_context(Proxy((HOST, ports.postgres))) for _ in range(2))
        temporal, payment, carrier = (
            closing.enter_context(Proxy((HOST, port)))
            for port in (ports.temporal, ports.stripe or ports.payment, ports.carrier)
        )
        common = {
            "ORDERSAGA_EMBEDDED_TEMPORAL_ADDRESS": f"{HOST}:{temporal.port}",
            "ORDERSAGA_PAYMENT_URL": f"http://{HOST}:{payment.port}",
            "ORDERSAGA_STRIPE_API_BASE": f"http://{HOST}:{payment.port}",
            "ORDERSAGA_CARRIER_URL": f"http://{HOST}:{carrier.port}",
            "ORDERSAGA_DATABASE_POOL_SIZE": _CONNECTIONS,
        }
        own = {
            name: {
                **common,
                "ORDERSAGA_DATABASE_URL": through(database, server.url(DATABASE, login_of(role))),
                "ORDERSAGA_HEALTH_PORT": str(health[name]),
            }
            for role in ROLES
            for name in (role, spare_of(role))
        }
        options = StackOptions(
            roles=ROLES, role_env=own, drain_timeout_s=DRAIN_S, stripe_sandbox=stripe
        )
        opening = chaos_shop(folder, say, options, ports, through(ours, server.url(DATABASE)))
        shop = await closing.enter_async_context(opening)
        inner = await closing.enter_async_context(AsyncExitStack())
        chosen = ROLES if with_spares else ()
        spares = {spare_of(role): _spare(folder, ports, role, own, say) for role in chosen}
        for spare in spares.values():
            await spare.start()
            inner.push_async_callback(spare.stop)
        outside = (database, temporal, payment, carrier, ours)
        yield Exposed(shop, server, *outside, disk, health, inner, spares)


def through(proxy: Proxy, url: str) -> str:
    """A URL of a server, with the proxy in between."""
    return url.replace(f"{HOST}:{proxy.target[1]}", f"{HOST}:{proxy.port}")


def spare_of(role: str) -> str:
    """The name of the second process of a kind."""
    return f"spare-{role}"


def _small_disk(folder: Path, closing: AsyncExitStack) -> Path | None:
    if os.geteuid() != 0:  # only root may mount
        return None
    disk = folder.with_name(f"{folder.name}-disk")  # others may not enter the stack's own folder
    let_pass(disk.parent)
    folder.mkdir(0o700, parents=True, exist_ok=True)
    closing.enter_context(small_disk(disk, _DISK_MEGABYTES))
    (folder / "pgdata").symlink_to(disk / "pgdata")
    return disk


def _spare(
    folder: Path, ports: Ports, role: str, own: Mapping[str, Mapping[str, str]], say: Say
) -> ManagedProcess:
    name = spare_of(role)
    env = {**own[name], "ORDERSAGA_READY_FILE": str(folder / "run" / f"{name}.ready")}
    ports = replace(ports, api=free_ports(1)[0])
    spec = StackLayout(folder, ports, {}, {role: env}).application(role, DRAIN_S)
    log = spec.log.with_name(f"{name}.log")
    return ManagedProcess(replace(spec, role=name, log=log, before_start=lambda: None), say)
