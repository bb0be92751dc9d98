"""The stand-in for Stripe as a process of its own, its control, and Stripe's package as client."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import stripe
from stripe._v1_services import V1Services

from adapters.providers.connections import HttpPool, read_answer
from tests.support.stack.sandboxes import SandboxControl
from tests.support.stores.postgres_server import free_port

_ROOT = Path(__file__).parents[3]
_START_TIMEOUT_S = 20.0
NO_LIMITS = ("--requests-per-second", "0", "--requests-per-endpoint", "0")
KEY = "sk_test_stand_in"


class _Http(stripe.HTTPClient):
    """What the package sends its requests with: errors of the connection come as they are."""

    name = "aiohttp"

    def __init__(self) -> None:
        super().__init__()
        self._pool = HttpPool(30.0, 100)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        async with self._pool.session().request(
            method, url, headers=headers, data=post_data, allow_redirects=False
        ) as response:
            return await read_answer(response), response.status, response.headers

    def sleep_async(self, secs: float) -> Awaitable[None]:
        return asyncio.sleep(secs)

    async def close_async(self) -> None:
        await self._pool.close()


class StripeControl(SandboxControl):
    """The control endpoints of the stand-in."""

    async def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings of the account."""
        return await self._json("POST", "/control/settings", changes)

    async def advance(self, seconds: float) -> float:
        """Move the account's clock forward; returns its time."""
        answer = await self._json("POST", "/control/clock", {"advance_s": seconds})
        return float(answer["now"])

    async def key(self, key: str, **fields: Any) -> None:
        """Set what a key may do."""
        await self._json("POST", "/control/keys", {"key": key, **fields})

    async def authenticate(self, intent: str, *, succeeded: bool = True) -> dict[str, Any]:
        """Let the customer authenticate."""
        path = f"/control/payment_intents/{intent}/authenticate"
        return await self._json("POST", path, {"succeeded": succeeded})

    async def end_refund(self, refund: str, status: str) -> dict[str, Any]:
        """Let a refund succeed or fail now."""
        return await self._json("POST", f"/control/refunds/{refund}", {"status": status})

    async def ledger(self) -> dict[str, Any]:
        """The sums of the books."""
        return await self._json("GET", "/control/ledger")


class StripeSandboxProcess:
    """`python -m adapters.sandboxes.stripe` on a free port."""

    def __init__(self, data_dir: Path, options: Sequence[str] = NO_LIMITS) -> None:
        self.data_dir = data_dir
        self._options = tuple(options)
        self._port = free_port()
        self.control = StripeControl(f"http://127.0.0.1:{self._port}")
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The address of the API."""
        return self.control.base_url

    async def start(self) -> None:
        """Start (again, on the same port and ledger) and return once it answers."""
        command = [sys.executable, "-m", "adapters.sandboxes.stripe"]
        command += ["--data-dir", str(self.data_dir), "--port", str(self._port), *self._options]
        self._process = await asyncio.create_subprocess_exec(
            *command, cwd=_ROOT, start_new_session=True
        )
        async with asyncio.timeout(_START_TIMEOUT_S):
            while True:
                assert self._process.returncode is None, "the stand-in ended while starting"
                with contextlib.suppress(aiohttp.ClientError):
                    await self.control.health()
                    return
                await asyncio.sleep(0.05)

    async def stop(self) -> int:
        """End it with SIGTERM; returns the exit code."""
        return await self._end("terminate")

    async def kill(self) -> int:
        """End it with SIGKILL; returns the exit code."""
        return await self._end("kill")

    async def _end(self, how: str) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        getattr(process, how)()
        async with asyncio.timeout(60):
            return await process.wait()


@asynccontextmanager
async def running_stripe_sandbox(
    data_dir: Path, options: Sequence[str] = NO_LIMITS
) -> AsyncIterator[StripeSandboxProcess]:
    """The stand-in on a free port with its ledger in `data_dir`."""
    sandbox = StripeSandboxProcess(data_dir, options)
    await sandbox.start()
    try:
        yield sandbox
    finally:
        await sandbox.stop()


@asynccontextmanager
async def stripe_package(
    url: str, key: str = KEY, version: str = "2024-06-20"
) -> AsyncIterator[V1Services]:
    """Stripe's own package, which never retries by itself here."""
    http = _Http()
    client = stripe.StripeClient(
        key,
        base_addresses={"api": url},
        http_client=http,
        max_network_retries=0,
        stripe_version=version,
    )
    try:
        yield client.v1
    finally:
        await http.close_async()
