"""The HTTP API over a database of its own, in the process of the test; Temporal does not answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import aiohttp

from eventstore.postgres.store import PostgresEventStore
from ordersaga.access.roles import Role, Scope
from ordersaga.access.tokens import Tokens
from ordersaga.api.serving import ApiServer, listen
from ordersaga.bootstrap.schema import migrate_all
from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.wiring import Services, open_services
from ordersaga.console.site import build_site
from tests.acceptance.cli_shop import MASTER_KEY
from tests.support.stack.stack import free_ports, until
from tests.support.stores.event_store import opened_pool
from tests.support.stores.logins import as_only, as_operator, as_processes
from tests.support.stores.read_models import runner_of

_keys = count(1)


def new_key() -> str:
    """An idempotency key that no other request of this run uses."""
    return f"key-{next(_keys)}"


@dataclass(frozen=True)
class Reply:
    """An answer of the API."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The code of a problem."""
        assert self.headers["Content-Type"].startswith("application/problem+json"), self.text
        return str(self.json["code"])


@dataclass
class ApiShop:
    """An API that runs, and a client of it."""

    url: str
    database: str
    settings: Settings
    services: Services
    http: aiohttp.ClientSession
    tokens: dict[Role, str] = field(default_factory=dict)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: Role = Role.ADMIN,
        token: str | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request; a write without a key gets a new one."""
        sent = {"Authorization": f"Bearer {token or self.tokens[role]}", **(headers or {})}
        if method == "POST":
            sent["Idempotency-Key"] = key or new_key()
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        async with self.http.request(
            method, f"{self.url}{path}", data=data, headers=sent, allow_redirects=False
        ) as answer:
            return Reply(answer.status, await answer.text(), answer.headers)

    async def get(self, path: str, **options: Any) -> Reply:
        """Ask for something."""
        return await self.ask("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        """Ask for a change."""
        return await self.ask("POST", path, {} if body is None else body, **options)

    async def new_token(self, role: Role, *scopes: Scope, days: int = 1, name: str = "t") -> str:
        """Another token."""
        async with opened_pool(await as_operator(self.database), 1) as pool:
            lifetime = timedelta(days=days)
            _, text = await Tokens(pool).create(name, role, scopes, lifetime, "test")
        return text

    async def revoke(self, token: str) -> None:
        """Revoke a token."""
        async with opened_pool(await as_operator(self.database), 1) as pool:
            await Tokens(pool).revoke(token.split("_")[1], "test")

    async def project(self) -> None:
        """Bring the read models up to date."""
        async with opened_pool(await as_processes(self.database), 20) as pool:
            store = PostgresEventStore(pool)
            await runner_of(pool, store).catch_up()
            await store.close()


def settings_for(database: str, port: int, **changes: Any) -> Settings:
    """Settings of an API process on a database; Temporal does not answer."""
    values: dict[str, Any] = {
        "database_url": database,
        "master_key": MASTER_KEY,
        "embedded_temporal_address": f"127.0.0.1:{free_ports(1)[0]}",
        "api_port": port,
        "api_rate_per_s": 10_000,
        **changes,
    }
    return Settings.model_validate(values)


@asynccontextmanager
async def opened_api(
    database: str, *, port: int | None = None, **changes: Any
) -> AsyncIterator[ApiShop]:
    """The API over a database without any tables, with a token of every role."""
    await migrate_all(database)
    port = port or free_ports(1)[0]
    settings = settings_for(await as_only(database, "api"), port, **changes)
    async with open_services(settings) as services, aiohttp.ClientSession() as http:
        listener, stop = listen("127.0.0.1", port), asyncio.Event()
        server = ApiServer(services, listener, settings, build_site)
        serving = asyncio.create_task(server.run(stop))
        try:
            await until(lambda: server.loop().is_ready() or serving.done())
            shop = ApiShop(f"http://127.0.0.1:{port}", database, settings, services, http)
            for role in Role:
                shop.tokens[role] = await shop.new_token(role, name=f"test-{role}")
            yield shop
        finally:
            stop.set()
            await serving
            listener.close()
