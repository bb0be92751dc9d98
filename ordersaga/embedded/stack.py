"""The whole of ordersaga on one machine: servers, sandboxes, workers and projections.

    async with EmbeddedStack(Path(".ordersaga"), progress=print) as stack:
        ...  # stack.state() has the addresses, stack.settings_env() points programs at them

All data lives in one folder; a later stack on the same folder goes on where this one stopped.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import asyncpg
import psutil  # type: ignore[import-untyped]  # it ships no types

from ordersaga.embedded import state
from ordersaga.embedded.layout import APPLICATION_ROLES, DATABASE, Layout, Ports
from ordersaga.embedded.master_key import ensure_master_key
from ordersaga.embedded.ports import PortChooser
from ordersaga.embedded.processes import ManagedProcess, ProcessSpec

USUAL_PORTS: Final = Ports(postgres=54330, temporal=7233, ui=8233, payment=8181, carrier=8182)
_LEFTOVER_GRACE_S: Final = 8.0


def _silent(_line: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What may differ from one stack to another.

    Attributes:
        postgres_port: an exact port (its being taken is an error); None: the usual or a free one.
            So with the other ports.
        roles: which of ordersaga's own processes run.
        extra_env: variables for them.
        drain_timeout_s: time they have to finish running work when the stack stops; they are
            killed two seconds later.
    """

    postgres_port: int | None = None
    temporal_port: int | None = None
    ui_port: int | None = None
    payment_port: int | None = None
    carrier_port: int | None = None
    roles: tuple[str, ...] = tuple(APPLICATION_ROLES)
    extra_env: Mapping[str, str] = field(default_factory=dict)
    drain_timeout_s: float = 6.0


class EmbeddedStack:
    """Starts, watches and stops everything that ordersaga needs on one machine.

    Use it from the main thread: the children are tied to the thread that starts them.

    Args:
        data_dir: folder of all data, logs and the state file; made if it does not exist.
        options: ports, processes, environment.
        progress: called with a line for each thing that starts, stops or needs to be known.
    """

    def __init__(
        self,
        data_dir: Path,
        options: StackOptions | None = None,
        progress: Callable[[str], None] = _silent,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._options = options or StackOptions()
        self._progress = progress
        self._layout: Layout | None = None
        self._servers: list[ManagedProcess] = []
        self._applications: list[ManagedProcess] = []
        self._lock = contextlib.ExitStack()
        self._stopping = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start everything; returns when the workers are ready. Stops everything if it fails.

        Raises:
            AlreadyRunning: another stack runs on this folder.
            PortTaken: a port that was asked for by number is in use.
            ProcessFailed: a server or worker did not start; the text holds the end of its log.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._lock.enter_context(state.exclusive(self.data_dir))
        self._lock.callback(state.clear, self.data_dir)
        ensure_master_key(self.data_dir)
        try:
            await self._start_all()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop in order: workers drain, then the servers they need. Harmless if not started."""
        self._stopping = True
        await asyncio.gather(*(child.stop() for child in self._applications))
        outside = [child for child in self._servers if child.spec.role != "postgres"]
        await asyncio.gather(*(child.stop() for child in outside))
        await asyncio.gather(*(child.stop() for child in self._servers))
        self._applications, self._servers = [], []
        self._lock.close()

    def state(self) -> state.StackState:
        """Addresses and processes, as they are now."""
        return self._started().state(self.pids())

    def settings_env(self) -> dict[str, str]:
        """The environment variables that point ordersaga's programs at this stack."""
        return {**self._options.extra_env, **self.state().settings_env()}

    def pids(self) -> dict[str, int]:
        """Process id by role, for the children that run right now."""
        children = [*self._servers, *self._applications]
        return {child.spec.role: child.pid for child in children if child.pid is not None}

    def restarts(self) -> dict[str, int]:
        """How often each role was started again."""
        return {c.spec.role: c.restarts for c in [*self._servers, *self._applications]}

    @asynccontextmanager
    async def without(self, role: str) -> AsyncIterator[None]:
        """Stop one process for a while; at the end it is started again, on the same ports.

        Raises:
            KeyError: no process of that role runs in this stack.
            ProcessFailed: it did not start again.
        """
        child = {c.spec.role: c for c in [*self._servers, *self._applications]}[role]
        await child.stop()
        try:
            yield
        finally:
            await child.start()
            self._save()

    def _started(self) -> Layout:
        if self._layout is None:
            raise RuntimeError("the stack was not started")
        return self._layout

    async def _start_all(self) -> None:
        await asyncio.to_thread(_end_leftovers, self.data_dir)
        self._layout = Layout(self.data_dir, self._choose_ports(), self._options.extra_env)
        self._progress("starting PostgreSQL, Temporal, the payment and the carrier sandbox")
        await asyncio.gather(
            self._start_database(), self._start_temporal(), self._start_sandboxes()
        )
        if self._options.roles:
            self._progress("starting workers and projections")
            await asyncio.gather(*(self._start_application(role) for role in self._options.roles))
        self._save()

    def _choose_ports(self) -> Ports:
        chooser, asked, usual = PortChooser(self._progress), self._options, USUAL_PORTS
        return Ports(
            postgres=chooser.choose("PostgreSQL", asked.postgres_port, usual.postgres),
            temporal=chooser.choose("Temporal", asked.temporal_port, usual.temporal),
            ui=chooser.choose("the Temporal UI", asked.ui_port, usual.ui),
            payment=chooser.choose("the payment sandbox", asked.payment_port, usual.payment),
            carrier=chooser.choose("the carrier sandbox", asked.carrier_port, usual.carrier),
        )

    async def _start_database(self) -> None:
        layout = self._started()
        await asyncio.to_thread(layout.server.prepare)
        await self._launch(layout.postgres(), self._servers)
        await _ensure_database(layout)
        await _migrate(layout.server.url(DATABASE))

    async def _start_temporal(self) -> None:
        await self._launch(self._started().temporal(_search_attributes()), self._servers)

    async def _start_sandboxes(self) -> None:
        (self.data_dir / "sandboxes").mkdir(exist_ok=True)
        await self._launch(self._started().sandboxes(), self._servers)

    async def _start_application(self, role: str) -> None:
        spec = self._started().application(role, self._options.drain_timeout_s)
        await self._launch(spec, self._applications)

    async def _launch(self, spec: ProcessSpec, group: list[ManagedProcess]) -> None:
        child = ManagedProcess(spec, self._report)
        group.append(child)
        await child.start()

    def _report(self, line: str) -> None:
        self._progress(line)
        if not self._stopping:
            self._save()

    def _save(self) -> None:
        state.save(self.data_dir, self.state())


def _search_attributes() -> Mapping[str, str]:
    """The saga's search attributes with their types as Temporal's command line names them."""
    from workflows.common.search_attributes import ALL_ATTRIBUTES

    return {
        key.name: key.indexed_value_type.name.title().replace("_", "") for key in ALL_ATTRIBUTES
    }


async def _ensure_database(layout: Layout) -> None:
    admin = await asyncpg.connect(layout.server.url())
    try:
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await admin.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await admin.close()


async def _migrate(dsn: str) -> None:
    from ordersaga.bootstrap.schema import migrate_all

    await migrate_all(dsn)


def _end_leftovers(data_dir: Path) -> None:
    """End what an earlier stack on this folder left, where the kernel did not do it."""
    last = state.load(data_dir)
    if last is None:
        return
    deadline = time.monotonic() + _LEFTOVER_GRACE_S
    left = [p for pid in last.pids.values() if (p := _child_of_stack(pid, data_dir)) is not None]
    while time.monotonic() < deadline and any(p.is_running() for p in left):
        time.sleep(0.1)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    state.clear(data_dir)


def _child_of_stack(pid: int, data_dir: Path) -> psutil.Process | None:
    """The process if it still belongs to the stack; a number may have been given away again."""
    try:
        process = psutil.Process(pid)
        mine = str(data_dir) in " ".join(process.cmdline()) or str(data_dir) in str(
            process.environ().get("ORDERSAGA_READY_FILE")
        )
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return process if mine else None
