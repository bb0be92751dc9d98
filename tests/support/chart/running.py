"""Runs the pods of the chart as processes of this machine, each behind proxies of its own.

Arguments, environment and mounted secrets are taken from what Helm renders. Other than in a
cluster, all pods share one network: so each listens on ports of its own, and its folders are
somewhere else.
"""

import asyncio
import contextlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import psutil

from tests.support.chart.network import allowed_ports
from tests.support.chart.rendering import (
    DESTINATIONS,
    Object,
    Rendering,
    component_of,
    container_of,
    environment_of,
    facts,
    pod_of,
    rendered,
    secret_files,
    values_for,
)
from tests.support.faults.proxy import HOST, Address, Proxy
from tests.support.stack.stack import Ended, clean_environment, free_ports, run_program

PROCESSES: Final = tuple(facts()["processes"])
_SECRETS: Final = "/run/secrets/ordersaga"
_LISTENS: Final = ("HEALTH", "METRICS", "API")


class Pod:
    """One pod: its rendering, the proxies before its destinations, and its process."""

    def __init__(
        self, workload: Object, rendering: Rendering, proxies: Mapping[str, Proxy], folder: Path
    ) -> None:
        self.name = component_of(workload)
        self._workload = workload
        self._rendering = rendering
        self._proxies = proxies
        self._folder = folder
        self._listens = dict(zip(_LISTENS, free_ports(len(_LISTENS)), strict=True))
        self._process: asyncio.subprocess.Process | None = None
        self._others: set[int] = set()

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self._folder / "log"

    def url(self, listens: str) -> str:
        """Where it listens: HEALTH, METRICS or API."""
        return f"http://{HOST}:{self._listens[listens]}"

    def proxy(self, destination: str) -> Proxy:
        """Its own proxy before a destination."""
        return self._proxies[destination]

    def mount(self, secret: Mapping[str, bytes]) -> None:
        """Lay out the secrets as the kubelet does: files behind a link that is switched at once."""
        data = self._folder / "secrets" / "..2026_11_28"
        data.mkdir(parents=True)
        (data.parent / "..data").symlink_to(data.name)
        for path, (_, key) in secret_files(self._workload, _SECRETS).items():
            (data / path).write_bytes(secret[key])
            (data.parent / path).symlink_to(f"..data/{path}")

    async def start(self) -> None:
        """Start what lasts."""
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(*container_of(self._workload)["args"]),
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def run(self, *arguments: str) -> Ended:
        """Run a command in it to its end; without arguments: its own."""
        words = arguments or container_of(self._workload)["args"]
        return await run_program(*self._command(*words), env=self._environment())

    async def is_ready(self) -> bool:
        """What its readiness probe says; the process must not have ended."""
        assert self._process is not None
        assert self._process.returncode is None, self.log.read_text()
        path = container_of(self._workload)["readinessProbe"]["httpGet"]["path"]
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            timeout = aiohttp.ClientTimeout(total=5)
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.get(self.url("HEALTH") + path) as answer,
            ):
                return answer.status == 200
        return False

    def look(self) -> None:
        """Remember the connections that lead past the proxies; there must be none."""
        assert self._process is not None
        own = set(self._listens.values()) | {proxy.port for proxy in self._proxies.values()}
        with contextlib.suppress(psutil.NoSuchProcess):
            for each in psutil.Process(self._process.pid).net_connections("all"):
                if isinstance(each.raddr, tuple) and each.raddr:
                    self._others |= {each.raddr.port} if not _is_known(each, own) else set()

    async def stop(self) -> int | None:
        """SIGTERM; returns the exit code."""
        if self._process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(60):
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()
            raise

    def connected(self) -> set[str]:
        """The destinations to which it connected."""
        return {name for name, proxy in self._proxies.items() if proxy.accepted} | {
            f"port {port}" for port in self._others
        }

    def allowed(self) -> set[str]:
        """The destinations that the network policies allow."""
        ports = allowed_ports(self._rendering, pod_of(self._workload))
        names = {proxy.port: name for name, proxy in self._proxies.items()}
        return {names.get(port, f"port {port}") for port in ports}

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-P", "-m", "ordersaga", *words]

    def _environment(self) -> dict[str, str]:
        given = environment_of(self._workload)
        here = {f"ORDERSAGA_{name}_PORT": str(port) for name, port in self._listens.items()}
        here |= {"ORDERSAGA_BIND_HOST": HOST}
        return clean_environment(
            **given
            | {name: value for name, value in here.items() if name in given}
            | {"ORDERSAGA_SECRETS_DIR": str(self._folder / "secrets")}
        )


def _is_known(connection: Any, own: set[int]) -> bool:
    """Whether it leads to a proxy, or comes from somebody who asks this process."""
    return connection.raddr.port in own or connection.laddr.port in own


@contextmanager
def pods(servers: Mapping[str, Address], folder: Path) -> Iterator[dict[str, Pod]]:
    """Every pod of a release, none of them started."""
    names = [*PROCESSES, "migration", "toolbox"]
    with ExitStack() as open_proxies:
        proxies = {
            name: {to: open_proxies.enter_context(Proxy(servers[to])) for to in DESTINATIONS}
            for name in names
        }
        values = {
            name: values_for({to: proxy.port for to, proxy in proxies[name].items()})
            for name in names
        }
        made = {}
        for rendering in rendered(values):
            name = rendering.name
            (workload,) = (e for e in rendering.workloads() if component_of(e) == name)
            (folder / name).mkdir()
            made[name] = Pod(workload, rendering, proxies[name], folder / name)
        yield made
