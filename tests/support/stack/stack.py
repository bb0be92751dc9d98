"""`ordersaga up` as a process, and programs that talk to what it runs."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from domain.ids import Sku
from domain.stock.commands import ReceiveStock
from ordersaga.bootstrap import stack_state as state
from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.wiring import Services, open_services
from ordersaga.embedded.layout import temporal_program
from ordersaga.operations.orders import OrdersService
from tests.support.cluster import switch
from tests.support.stack.commands import run_command
from tests.support.stack.ports import free_ports
from tests.support.stack.sandboxes import SandboxControl

READY = "ready"
_START_TIMEOUT_S = 180
_PURPOSES = ("temporal", "ui", "postgres", "payment", "carrier", "api")


@dataclass(frozen=True)
class Ended:
    """How a program ended and what it printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its output as JSON; the program must have succeeded."""
        assert self.code == 0, self.err
        return json.loads(self.out)


def clean_environment(**more: str) -> dict[str, str]:
    """The present environment without settings of ordersaga and Temporal."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("ORDERSAGA_", "TEMPORAL_"))}
    return {**kept, **more}


async def ordersaga(*arguments: str, env: dict[str, str], cwd: Path | None = None) -> Ended:
    """Run an `ordersaga` command to its end; see `commands` for how it is started."""
    return Ended(*await run_command(arguments, env, cwd))


async def run_program(*command: str, env: dict[str, str], cwd: Path | None = None) -> Ended:
    """Run a program to its end."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=env,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(270):  # just below the limit of a test
            out, err = await process.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    return Ended(process.returncode or 0, out.decode(), err.decode())


class Up:
    """One `ordersaga up` on a folder, on ports of its own; `options` are further ones."""

    def __init__(self, data_dir: Path, *options: str, **settings: str) -> None:
        self.data_dir = data_dir
        self._options = options
        self.env = clean_environment(ORDERSAGA_DATA_DIR=str(data_dir), **settings)
        self.printed: list[str] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    @property
    def pid(self) -> int:
        """Process id of `ordersaga up`."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start and return once it says that it is ready."""
        ports = zip(_PURPOSES, free_ports(len(_PURPOSES)), strict=True)
        options = [part for name, port in ports for part in (f"--{name}-port", str(port))]
        self._ready.clear()
        module, env = switch.command_line(self.env)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", module, "up", *options, *self._options),
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = asyncio.create_task(self._read(self._process))
        async with asyncio.timeout(_START_TIMEOUT_S):
            await self._ready.wait()
        assert self._process.returncode is None, "".join(self.printed)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(how)
        code = await self._process.wait()
        if self._reader is not None:
            await self._reader
        return code

    def state(self) -> state.StackState:
        """The stack's addresses and processes."""
        found = state.load(self.data_dir)
        assert found is not None
        return found

    def family(self) -> list[psutil.Process]:
        """Every process that it started, grandchildren included."""
        children: list[psutil.Process] = psutil.Process(self.pid).children(recursive=True)
        return children

    async def ordersaga(self, *arguments: str) -> Ended:
        """Run an `ordersaga` command against it."""
        return await ordersaga(*arguments, env=self.env)

    async def temporal(self, *arguments: str) -> Ended:
        """Run Temporal's own command line against it."""
        address = ("--address", self.state().temporal_address)
        return await run_program(temporal_program(), *arguments, *address, env=self.env)

    @property
    def payment(self) -> SandboxControl:
        """Control of the payment sandbox."""
        return SandboxControl(self.state().payment_url)

    @property
    def carrier(self) -> SandboxControl:
        """Control of the carrier sandbox."""
        return SandboxControl(self.state().carrier_url)

    @asynccontextmanager
    async def services(self) -> AsyncIterator[Services]:
        """Its event store and Temporal, for this process."""
        env = self.state().settings_env()
        settings = Settings(**{n.removeprefix("ORDERSAGA_").lower(): v for n, v in env.items()})
        async with open_services(settings) as services:
            yield services

    async def receive(self, sku: str, quantity: int, reference: str) -> None:
        """Book stock in."""
        async with self.services() as services:
            orders = OrdersService.of(services)
            await orders.execute_stock(Sku(sku), ReceiveStock(Sku(sku), quantity, reference))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.printed.append(line.decode())
            if self.printed[-1].startswith(READY):
                self._ready.set()
        self._ready.set()


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; a zombie is dead, its parent only has not looked yet."""
    return [process for process in processes if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended between the two questions
        return False


async def until(condition: Any, timeout_s: float = 120) -> None:
    """Wait until an (async or plain) condition holds."""
    async with asyncio.timeout(timeout_s):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.05)


def order_document(order_id: str, **changes: Any) -> dict[str, Any]:
    """An order of two lanterns that everybody accepts."""
    document: dict[str, Any] = {
        "order_id": order_id,
        "customer_id": "17850",
        "currency": "GBP",
        "lines": [
            {
                "sku": "71053",
                "description": "WHITE METAL LANTERN",
                "quantity": 2,
                "unit_price_minor": 339,
            }
        ],
        "address": {
            "name": "Ann Example",
            "line1": "1 High Street",
            "city": "Leeds",
            "postal_code": "LS1 4AP",
            "country": "GB",
        },
        "payment": {"token": "tok_visa"},
    }
    return {**document, **changes}
