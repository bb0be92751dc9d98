"""The servers and the worker processes of the saga benchmark."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from activities.messages import ALL_QUEUES, ORDERS_QUEUE
from benchmarks.saga_worker import READY_FILE
from ordersaga.bootstrap.schema import migrate_all
from ordersaga.embedded.processes import ManagedProcess, ProcessSpec
from ordersaga.embedded.stack import EmbeddedStack
from workers.converter import DATA_CONVERTER
from workers.search_attributes import ensure_search_attributes

STEP_QUEUES = tuple(queue for queue in ALL_QUEUES if queue != ORDERS_QUEUE)
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Contender:
    """Who is measured: its name, a client in its namespace, its database, its processes."""

    name: str
    client: Client
    database_url: str
    pids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a contender runs: a command for each process, by role."""

    name: str
    namespace: str
    database: str
    commands: Mapping[str, Sequence[str]]


def _bench(kind: str) -> dict[str, Sequence[str]]:
    module = ("-m", "benchmarks.saga_worker", kind)
    return {"orders": (*module, ORDERS_QUEUE), "steps": (*module, *STEP_QUEUES)}


BARE = Kind("bare workflow", "bare", "", _bench("bare"))
IN_PROCESS = Kind("saga, providers in process", "inprocess", "inprocess", _bench("saga"))
WHOLE = Kind(
    "saga, HTTP sandboxes, projections",
    "whole",
    "whole",
    {
        "orders": ("-m", "ordersaga", "worker", ORDERS_QUEUE),
        "steps": ("-m", "ordersaga", "worker", *STEP_QUEUES),
        "projections": ("-m", "ordersaga", "projections", "run"),
    },
)


@asynccontextmanager
async def running(
    stack: EmbeddedStack,
    kinds: Sequence[Kind],
    report: Callable[[str], None],
    temporal: str | None = None,
) -> AsyncIterator[list[Contender]]:
    """All contenders beside each other on one stack, each in a namespace of its own.

    Those that are not measured just now wait in their long polls. `temporal` is the address of
    another server than that of the stack.
    """
    address = temporal or stack.state().temporal_address
    async with AsyncExitStack() as stopping:
        contenders = []
        for kind in kinds:
            report(f"starting: {kind.name}")
            contenders.append(await _start(stack, kind, address, stopping, report))
        yield contenders


async def _start(
    stack: EmbeddedStack,
    kind: Kind,
    address: str,
    stopping: AsyncExitStack,
    report: Callable[[str], None],
) -> Contender:
    state = stack.state()
    client = await _client(address, kind.namespace)
    await ensure_search_attributes(client)
    url = await _database(state.database_url, kind.database) if kind.database else ""
    env = {
        **stack.settings_env(),
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_NAMESPACE": kind.namespace,
        "ORDERSAGA_DATABASE_URL": url or state.database_url,
    }
    specs = [
        _spec(stack.data_dir, f"{kind.namespace}-{role}", arguments, env)
        for role, arguments in kind.commands.items()
    ]
    pids = []
    for spec in specs:
        process = ManagedProcess(spec, report)
        stopping.push_async_callback(process.stop)
        await process.start()
        pids.append(process.pid or 0)
    return Contender(kind.name, client, url, pids)


def _spec(
    data_dir: Path, role: str, arguments: Sequence[str], env: Mapping[str, str]
) -> ProcessSpec:
    import os

    ready = data_dir / "run" / f"{role}.ready"
    ready.parent.mkdir(exist_ok=True)

    async def is_ready() -> bool:
        return ready.exists()

    return ProcessSpec(
        role=role,
        command=(sys.executable, *arguments),
        env={
            **os.environ,
            **env,
            READY_FILE: str(ready),
            "ORDERSAGA_READY_FILE": str(ready),
        },
        cwd=Path.cwd(),
        log=data_dir / "logs" / f"{role}.log",
        is_ready=is_ready,
        grace_s=15.0,
    )


async def _client(address: str, namespace: str) -> Client:
    client = await Client.connect(address, namespace=namespace, data_converter=DATA_CONVERTER)
    keep = Duration()
    keep.FromTimedelta(timedelta(days=1))
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=keep)
    )
    await _until(lambda: ensure_search_attributes(client))
    return client


async def _until(known: Callable[[], Awaitable[object]]) -> None:
    """The server's parts learn of a namespace one after the other."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            try:
                await known()
            except RPCError:
                await asyncio.sleep(0.5)
            else:
                return


async def _database(url: str, name: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    own = url.rpartition("/")[0] + f"/{name}"
    await migrate_all(own)
    return own
