"""The whole of ordersaga on one machine: servers, sandboxes, workers and projections.

    async with EmbeddedStack(Path(".ordersaga"), progress=print) as stack:
        ...  # stack.state() has the addresses, stack.settings_env() the variables for programs

All data is in one folder; a later stack on the same folder continues with it.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Self

import psutil  # type: ignore[import-untyped]  # it ships no types

from eventstore.postgres.connection import connect, maintenance
from ordersaga.bootstrap import stack_state
from ordersaga.bootstrap.private_files import private_folder
from ordersaga.bootstrap.schema import migrate_all
from ordersaga.embedded.api_token import ensure_api_token
from ordersaga.embedded.layout import (
    APPLICATION_ROLES,
    DATABASE,
    GRANTS,
    OPERATOR,
    Ports,
    StackLayout,
)
from ordersaga.embedded.master_key import ensure_master_key
from ordersaga.embedded.ports import PortChooser
from ordersaga.embedded.processes import ManagedProcess, ProcessSpec
from workflows.common.search_attributes import ALL_ATTRIBUTES

USUAL_PORTS: Final = Ports(
    postgres=54330, temporal=7233, ui=8233, payment=8181, carrier=8182, stripe=8183, api=8180
)
_LEFTOVER_GRACE_S: Final = 8.0
_AS_BEFORE: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class StackOptions:
    """Options of a stack.

    Attributes:
        postgres_port: a port that must be free; None: the usual one, or any free one. The other
            ports likewise.
        stripe_sandbox: whether payments go to the stand-in for Stripe, which then runs as well.
        roles: which of ordersaga's own processes run.
        extra_env: variables for these processes.
        role_env: variables of single processes, by role, such as ports of their own or the address
            of a proxy; they win over all others.
        drain_timeout_s: how long they may take to finish running work when the stack stops;
            they are killed two seconds later.
    """

    postgres_port: int | None = None
    temporal_port: int | None = None
    ui_port: int | None = None
    payment_port: int | None = None
    carrier_port: int | None = None
    stripe_port: int | None = None
    stripe_sandbox: bool = False
    api_port: int | None = None
    roles: tuple[str, ...] = tuple(APPLICATION_ROLES)
    extra_env: Mapping[str, str] = field(default_factory=dict)
    role_env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    drain_timeout_s: float = 6.0


class EmbeddedStack:
    """Starts, watches and stops everything that ordersaga needs on one machine.

    Use it from the main thread: the children end with the thread that starts them.

    Args:
        data_dir: folder of all data, logs and the state file; created if it does not exist.
        options: ports, processes, environment.
        progress: called with a line about each event.
    """

    def __init__(
        self,
        data_dir: Path,
        options: StackOptions | None = None,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._options = options or StackOptions()
        self._progress = progress
        self._layout: StackLayout | None = None
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
        """Start everything and return once the workers are ready; stop everything if that fails.

        Raises:
            AlreadyRunning: another stack is running on this folder.
            Refused: the folder belongs to another user, or holds something else.
            PortTaken: a requested port is in use.
            ProcessFailed: a server or worker did not start; the text ends with its log.
        """
        private_folder(self.data_dir, ours=stack_state.LOCK_FILE)
        self._lock.enter_context(stack_state.exclusive(self.data_dir))
        self._lock.callback(stack_state.clear, self.data_dir)
        ensure_master_key(self.data_dir)
        try:
            await self._start_all()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop workers first, then the servers that they need. Harmless if not started."""
        self._stopping = True
        await asyncio.gather(*(child.stop() for child in self._applications))
        outside = [child for child in self._servers if child.spec.role != "postgres"]
        await asyncio.gather(*(child.stop() for child in outside))
        await asyncio.gather(*(child.stop() for child in self._servers))
        self._applications, self._servers = [], []
        self._lock.close()

    def state(self) -> stack_state.StackState:
        """The present addresses and processes."""
        if self._layout is None:
            raise RuntimeError("the stack was not started")
        return self._layout.state(self.pids())

    def settings_env(self) -> dict[str, str]:
        """The environment variables that make ordersaga's programs use this stack."""
        return {**self._options.extra_env, **self.state().settings_env()}

    def pids(self) -> dict[str, int]:
        """Process id by role, of the running children."""
        return {role: child.pid for role, child in self._by_role().items() if child.pid is not None}

    def restarts(self) -> dict[str, int]:
        """How often each process was restarted, by role."""
        return {role: child.restarts for role, child in self._by_role().items()}

    @asynccontextmanager
    async def without(self, role: str, env: Mapping[str, str] = _AS_BEFORE) -> AsyncIterator[None]:
        """Stop one process; at the end of the context, start it again on the same ports.

        Args:
            role: of the process.
            env: variables that it has besides from then on, such as where its code is.

        Raises:
            KeyError: this stack has no process of that role.
            ProcessFailed: it did not restart.
        """
        try:
            child = self._by_role()[role]
            async with child.stopped():
                child.spec = replace(child.spec, env={**child.spec.env, **env})
                yield
        finally:
            self._save()

    def _by_role(self) -> dict[str, ManagedProcess]:
        return {child.spec.role: child for child in [*self._servers, *self._applications]}

    async def _start_all(self) -> None:
        await asyncio.to_thread(_end_leftovers, self.data_dir)
        options = self._options
        layout = StackLayout(
            self.data_dir, self._choose_ports(), options.extra_env, options.role_env
        )
        self._layout = layout
        self._progress("starting PostgreSQL, Temporal, the payment and the carrier sandbox")
        servers = [layout.temporal(_search_attributes()), layout.sandboxes()]
        servers += [layout.stripe()] if options.stripe_sandbox else []
        (self.data_dir / "sandboxes").mkdir(0o700, exist_ok=True)
        await asyncio.gather(
            self._start_database(layout), *(self._launch(spec, self._servers) for spec in servers)
        )
        if self._options.roles:
            self._progress("starting workers and projections")
            drain_s = self._options.drain_timeout_s
            processes = [layout.application(role, drain_s) for role in self._options.roles]
            await asyncio.gather(*(self._launch(spec, self._applications) for spec in processes))
        self._save()

    def _choose_ports(self) -> Ports:
        chooser, options, usual = PortChooser(self._progress), self._options, USUAL_PORTS
        return Ports(
            postgres=chooser.choose("PostgreSQL", options.postgres_port, usual.postgres),
            temporal=chooser.choose("Temporal", options.temporal_port, usual.temporal),
            ui=chooser.choose("the Temporal UI", options.ui_port, usual.ui),
            payment=chooser.choose("the payment sandbox", options.payment_port, usual.payment),
            carrier=chooser.choose("the carrier sandbox", options.carrier_port, usual.carrier),
            stripe=self._stripe_port(chooser),
            api=chooser.choose("the API", options.api_port, usual.api),
        )

    def _stripe_port(self, chooser: PortChooser) -> int | None:
        if not self._options.stripe_sandbox or USUAL_PORTS.stripe is None:
            return None
        purpose = "the stand-in for Stripe"
        return chooser.choose(purpose, self._options.stripe_port, USUAL_PORTS.stripe)

    async def _start_database(self, layout: StackLayout) -> None:
        await asyncio.to_thread(layout.server.prepare)
        await self._launch(layout.postgres(), self._servers)
        await _ensure_database(layout)
        await migrate_all(layout.server.url(DATABASE, OPERATOR), GRANTS)
        await ensure_api_token(self.data_dir, layout.server.url(DATABASE, OPERATOR))

    async def _launch(self, spec: ProcessSpec, group: list[ManagedProcess]) -> None:
        child = ManagedProcess(spec, self._report)
        group.append(child)
        await child.start()

    def _report(self, line: str) -> None:
        self._progress(line)
        if not self._stopping:
            self._save()

    def _save(self) -> None:
        stack_state.save(self.data_dir, self.state())


def _search_attributes() -> Mapping[str, str]:
    """The saga's search attributes, with the type names of Temporal's command line."""
    return {
        key.name: key.indexed_value_type.name.title().replace("_", "") for key in ALL_ATTRIBUTES
    }


async def _ensure_database(layout: StackLayout) -> None:
    """Make the logins with their passwords, and the database of the one that migrates."""
    admin = await connect(layout.server.url())
    try:
        own = [(login, "") for logins in GRANTS.values() for login in logins]
        for login, attributes in ((OPERATOR, "CREATEROLE"), *own):
            if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", login):
                await admin.execute(f"CREATE ROLE {login} LOGIN {attributes}")
            password = layout.server.passwords.of(login)
            await admin.execute(f"ALTER ROLE {login} PASSWORD '{password}'")
        # Operators see what holds things up, and end it.
        await admin.execute(f"GRANT pg_read_all_stats, pg_signal_backend TO {OPERATOR}")
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            with maintenance():
                await admin.execute(f"CREATE DATABASE {DATABASE} OWNER {OPERATOR}")
    finally:
        await admin.close()


def _end_leftovers(data_dir: Path) -> None:
    """End processes of an earlier stack on this folder, if the kernel did not."""
    last = stack_state.load(data_dir)
    if last is None:
        return
    deadline = time.monotonic() + _LEFTOVER_GRACE_S
    left = [p for pid in last.pids.values() if (p := _child_of_stack(pid, data_dir)) is not None]
    while time.monotonic() < deadline and any(p.is_running() for p in left):
        time.sleep(0.1)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    stack_state.clear(data_dir)


def _child_of_stack(pid: int, data_dir: Path) -> psutil.Process | None:
    """The process, if it belongs to the stack: the id may be in use by another program."""
    try:
        process = psutil.Process(pid)
        belongs = str(data_dir) in " ".join(process.cmdline()) or str(data_dir) in str(
            process.environ().get("ORDERSAGA_READY_FILE")
        )
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return process if belongs else None
