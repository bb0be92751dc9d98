"""A shop for the command line alone: a migrated database of its own, no servers beside it."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.wiring import Services, open_services
from tests.support.stack.stack import Ended, clean_environment, free_ports, ordersaga

MASTER_KEY = base64.b64encode(b"k" * 32).decode()
_ROOT = Path(__file__).parents[2]
_CLIENT = _ROOT / "clients" / "python"


@dataclass(frozen=True)
class CliShop:
    """Runs commands against one database; Temporal and the providers do not answer."""

    database_url: str
    folder: Path
    env: dict[str, str]

    @classmethod
    async def opened(cls, database_url: str, folder: Path) -> "CliShop":
        temporal, payment, carrier = free_ports(3)
        env = clean_environment(
            ORDERSAGA_DATABASE_URL=database_url,
            ORDERSAGA_MASTER_KEY=MASTER_KEY,
            ORDERSAGA_DATA_DIR=str(folder / "no stack"),
            ORDERSAGA_PAYMENT_URL=f"http://127.0.0.1:{payment}",
            ORDERSAGA_CARRIER_URL=f"http://127.0.0.1:{carrier}",
            TEMPORAL_ADDRESS=f"127.0.0.1:{temporal}",
        )
        shop = cls(database_url, folder, env)
        assert (await shop.run("migrate")).code == 0
        return shop

    async def run(self, *arguments: str) -> Ended:
        """Run `ordersaga ...` in the shop's folder."""
        return await ordersaga(*arguments, env=self.env, cwd=self.folder)

    async def json(self, *arguments: str) -> Any:
        """The JSON answer of a command that must succeed."""
        return (await self.run(*arguments, "--json")).json()

    async def run_all(self, commands: Sequence[Sequence[str]]) -> list[Ended]:
        """Run many commands one after the other in one process, which is quick."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "tests.acceptance.many_commands"),
            env={**self.env, "PYTHONPATH": f"{_ROOT}{os.pathsep}{_CLIENT}"},
            cwd=self.folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(300):
            out, _ = await process.communicate(json.dumps(commands).encode())
        return [Ended(**end) for end in json.loads(out)]

    async def head(self) -> int:
        """The last position of the event store."""
        async with self.services() as services:
            return await services.store.head()

    @asynccontextmanager
    async def services(self) -> AsyncIterator[Services]:
        """The shop's event store and read models, for this process."""
        settings = Settings.model_validate(
            {"database_url": self.database_url, "master_key": MASTER_KEY}
        )
        async with open_services(settings) as services:
            yield services

    async def draft(self, order_id: str) -> None:
        """A draft that could be submitted."""
        await self.json("order", "create", order_id, "--customer", "C7")
        await self.json("order", "add-item", order_id, "71053", "--price", "3.39")
        await self.json("order", "set-address", order_id, *ADDRESS)


ADDRESS = (
    "--name=Ann Example",
    "--line1=1 High Street",
    "--city=Leeds",
    "--postal-code=LS1 4AP",
    "--country=GB",
)
