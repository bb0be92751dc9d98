"""A Temporal cluster on PostgreSQL: its processes, started again when they die; its schema."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final

import aiohttp
import asyncpg

from ordersaga.embedded.layout import temporal_program
from ordersaga.embedded.ports import HOST, is_free
from ordersaga.embedded.processes import ManagedProcess, ProcessSpec
from tests.support.cluster.layout import DATABASES, INSIDE, LOGIN, POSTGRES, SERVICES, Layout
from tests.support.cluster.programs import SCHEMA, SERVER, SQL_TOOL, VERSION, folder_of
from tests.support.stack.ports import free_ports
from tests.support.stores.postgres_server import StackServer

NAMESPACE: Final = "default"
_RETENTION: Final = "720h"  # what ships
# The whole has to end within the time that a stack gives its Temporal server.
_GRACE_S: Final = 1.0
_OPTIONS: Final = {"max_connections": "300"}

Ready = Callable[[], Awaitable[bool]]


class Cluster:
    """One cluster on a folder; a later one on the same folder continues with it.

    Args:
        layout: where it is.
        version: of the programs, which are built.
        report: called with a line about each event.
    """

    def __init__(self, layout: Layout, version: str, report: Callable[[str], None]) -> None:
        self._layout = layout
        self._version = version
        self._report = report
        self._database = StackServer(layout.folder / "pgdata", layout.postgres, _OPTIONS)
        self._running: list[ManagedProcess] = []

    async def start(self, search_attributes: Mapping[str, str]) -> None:
        """Start everything and return once the namespace can be used.

        Args:
            search_attributes: Temporal's type names by name; they are made if they are missing.

        Raises:
            ProcessFailed: a process did not start; the text ends with its log.
        """
        await asyncio.to_thread(self._database.prepare)
        await self._launch(self._postgres())
        await self._prepare_schema()
        self._layout.write_configuration()
        for name in SERVICES:
            point_at(self._layout.program(name), self._version)
        first, *others = SERVICES  # on a new database, all but one would fail to write the metadata
        await self._launch(self._service(first))
        await asyncio.gather(*(self._launch(self._service(name)) for name in others))
        await self._make_namespace(search_attributes)

    async def stop(self) -> None:
        """Stop the services, then the database."""
        database, services = self._running[:1], self._running[1:]
        await asyncio.gather(*(process.stop() for process in services))
        await asyncio.gather(*(process.stop() for process in database))
        self._running.clear()

    def pids(self) -> dict[str, int]:
        """Process id by name, of the running processes."""
        return {each.spec.role: each.pid for each in self._running if each.pid is not None}

    async def _launch(self, spec: ProcessSpec) -> None:
        process = ManagedProcess(spec, self._report)
        self._running.append(process)
        await process.start()

    # --- database --------------------------------------------------------------------------------

    def _postgres(self) -> ProcessSpec:
        spec = self._spec(POSTGRES, self._database.command(), self._database_answers)
        return replace(
            spec,
            cwd=Path("/"),
            user=self._database.user,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
        )

    async def _database_answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self._database.url(), timeout=2)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True

    async def _prepare_schema(self) -> None:
        admin = await asyncpg.connect(self._database.url())
        try:
            if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", LOGIN):
                await admin.execute(f"CREATE ROLE {LOGIN} LOGIN")
            there = {row["datname"] for row in await admin.fetch("SELECT datname FROM pg_database")}
            for database in DATABASES.keys() - there:
                await admin.execute(f"CREATE DATABASE {database} OWNER {LOGIN}")
        finally:
            await admin.close()
        for database in DATABASES:
            await asyncio.to_thread(prepare_schema, self._layout, database, self._version)

    # --- services --------------------------------------------------------------------------------

    def _service(self, name: str) -> ProcessSpec:
        ready = self._serves if name == "frontend" else self._listens(name)
        return self._spec(name, self._layout.command(name), ready)

    def _listens(self, name: str) -> Ready:
        async def listens() -> bool:
            return not is_free(self._layout.grpc[name])

        return listens

    async def _serves(self) -> bool:
        url = f"http://{HOST}:{self._layout.http}/api/v1/cluster-info"
        try:
            timeout = aiohttp.ClientTimeout(total=2)
            async with aiohttp.ClientSession(timeout=timeout) as http, http.get(url) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _make_namespace(self, search_attributes: Mapping[str, str]) -> None:
        namespace = ("operator", "namespace")
        if not await self._temporal(*namespace, "describe", "-n", NAMESPACE):
            made = (*namespace, "create", "-n", NAMESPACE, "--retention", _RETENTION)
            await self._succeed(*made)
        if not search_attributes:
            return
        options = [f"--name={name}" for name in search_attributes]
        options += [f"--type={kind}" for kind in search_attributes.values()]
        await self._succeed("operator", "search-attribute", "create", *options)

    async def _succeed(self, *arguments: str) -> None:
        """Call Temporal's own program until it succeeds: parts of the cluster join one by one."""
        async with asyncio.timeout(120):
            while True:
                if await self._temporal(*arguments):
                    return
                await asyncio.sleep(0.2)

    async def _temporal(self, *arguments: str) -> bool:
        """Whether a command of Temporal's own program succeeds; its output is in a log."""
        command = (temporal_program(), *arguments, "--address", self._layout.address)
        with self._layout.log("setup").open("ab") as log:
            process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
            return await process.wait() == 0

    def _spec(self, role: str, command: list[str], is_ready: Ready) -> ProcessSpec:
        return ProcessSpec(
            role=role,
            command=command,
            env=os.environ,
            cwd=self._layout.folder,
            log=self._layout.log(role),
            is_ready=is_ready,
            grace_s=_GRACE_S,
        )


def point_at(program: Path, version: str) -> None:
    """Make a process run a version from its next start on."""
    program.parent.mkdir(0o700, exist_ok=True)
    draft = program.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.symlink_to(folder_of(version) / SERVER)
    draft.replace(program)


def prepare_schema(layout: Layout, database: str, version: str) -> None:
    """Make the schema of a database, or bring it to a version; what is there already stays."""
    tool, schema = folder_of(version) / SQL_TOOL, folder_of(version) / SCHEMA
    folder = schema / DATABASES[database] / "versioned"
    arguments = layout.tool(database)
    for step in (("setup-schema", "--version", "0.0"), ("update-schema", "--schema-dir", folder)):
        with layout.log("setup").open("ab") as log:
            command = [str(tool), *arguments, *map(str, step)]
            subprocess.run(command, stdout=log, stderr=log, check=True)


@asynccontextmanager
async def running_cluster(
    folder: Path, report: Callable[[str], None], version: str = VERSION
) -> AsyncIterator[tuple[Layout, Cluster]]:
    """A cluster of its own on a folder, without search attributes."""
    layout = new_layout(folder, *free_ports(2))
    cluster = Cluster(layout, version, report)
    try:
        await cluster.start({})
        yield layout, cluster
    finally:
        await cluster.stop()


def new_layout(folder: Path, frontend: int, http: int) -> Layout:
    """The layout of a folder, which is made."""
    for each in (folder, folder / "logs"):
        each.mkdir(0o700, parents=True, exist_ok=True)
    return Layout.of(folder, frontend, http, (free_ports(1, INSIDE)[0] for _ in count()))
