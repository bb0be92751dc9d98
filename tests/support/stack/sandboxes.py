"""Both sandboxes as a process of their own, with a client for their control endpoints."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from adapters.providers.faults import Fault
from tests.support.stores.postgres_server import free_port

_ROOT = Path(__file__).parents[3]
_START_TIMEOUT_S = 20.0


class SandboxControl:
    """The control endpoints of one sandbox."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    async def add(self, fault: Fault) -> int:
        """Set a fault; returns its number."""
        body = {name: getattr(fault, name) for name in fault.__slots__}
        answer = await self._json("POST", "/control/faults", body)
        return int(answer["number"])

    async def remove(self, number: int) -> None:
        """Take a fault back and let go the calls it holds."""
        await self._json("DELETE", f"/control/faults/{number}")

    async def clear(self) -> None:
        """Take all faults back and let go all calls."""
        await self._json("DELETE", "/control/faults")

    async def faults(self) -> list[dict[str, Any]]:
        """The faults set, with `hits` and `holding` of each."""
        answer = await self._json("GET", "/control/faults")
        return list(answer["faults"])

    async def calls(self, operation: str | None = None) -> list[dict[str, str]]:
        """The calls received (of one operation), oldest first."""
        answer = await self._json("GET", "/control/calls")
        return [c for c in answer["calls"] if operation in (None, c["operation"])]

    async def health(self) -> dict[str, Any]:
        """The answer of the health check."""
        return await self._json("GET", "/healthz")

    async def wait_until_holding(self, number: int, calls: int = 1) -> None:
        """Return once a fault holds so many calls."""
        async with asyncio.timeout(60):
            while await self._holding(number) < calls:  # noqa: ASYNC110  another process
                await asyncio.sleep(0.01)

    async def _holding(self, number: int) -> int:
        return sum(f["holding"] for f in await self.faults() if f["number"] == number)

    async def _json(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.base_url + path, json=body) as response,
        ):
            response.raise_for_status()
            return {} if response.status == 204 else dict(await response.json())


class SandboxProcess:
    """`python -m adapters.sandboxes` on free ports; `options` are further command-line options."""

    def __init__(self, data_dir: Path, options: Sequence[str] = ()) -> None:
        self.data_dir = data_dir
        self.options = tuple(options)
        payment_port, carrier_port = free_port(), free_port()
        self.ports = (payment_port, carrier_port)
        self.payment = SandboxControl(f"http://127.0.0.1:{payment_port}")
        self.carrier = SandboxControl(f"http://127.0.0.1:{carrier_port}")
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start (again, on the same ports and ledgers) and return once both answer."""
        command = [sys.executable, "-m", "adapters.sandboxes", "--data-dir", str(self.data_dir)]
        command += ["--payment-port", str(self.ports[0]), "--carrier-port", str(self.ports[1])]
        self.process = await asyncio.create_subprocess_exec(
            *command, *self.options, cwd=_ROOT, start_new_session=True
        )
        async with asyncio.timeout(_START_TIMEOUT_S):
            for control in (self.payment, self.carrier):
                await self._wait_for(control)

    async def stop(self) -> int:
        """End it with SIGTERM; returns the exit code."""
        return await self._end("terminate")

    async def kill(self) -> int:
        """End it with SIGKILL; returns the exit code."""
        return await self._end("kill")

    async def _end(self, how: str) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        getattr(process, how)()
        async with asyncio.timeout(60):
            return await process.wait()

    async def _wait_for(self, control: SandboxControl) -> None:
        while True:
            if self.process is None or self.process.returncode is not None:
                raise AssertionError("the sandboxes ended while starting")
            with contextlib.suppress(aiohttp.ClientError):
                await control.health()
                return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running_sandboxes(
    data_dir: Path, options: Sequence[str] = ()
) -> AsyncIterator[SandboxProcess]:
    """Both sandboxes on free ports with their ledgers in `data_dir`."""
    sandboxes = SandboxProcess(data_dir, options)
    await sandboxes.start()
    try:
        yield sandboxes
    finally:
        await sandboxes.stop()
