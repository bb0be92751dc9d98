"""A database that goes back: to a point in time, or to what a replica had got."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.faults.database import execute, superuser
from tests.support.faults.exposed import Exposed
from tests.support.faults.proxy import HOST
from tests.support.faults.replica import Replica
from tests.support.stores.postgres_server import PostgresServer

RELOAD: Final = "SELECT pg_reload_conf()"


class PointInTime(Replica):
    """A server that is restored from a base backup and an archive of the log, up to a named point.

    The backup is taken, and the archive begun, when it is made.
    """

    def __init__(self, primary: EmbeddedPostgres, folder: Path, archive: Path) -> None:
        super().__init__(primary, folder)
        self._archive = archive
        self._receiver: subprocess.Popen[bytes] | None = None

    def back_up(self) -> None:
        """Copy the primary, and receive its log from now on."""
        self._prepare_place()
        self._prepare_folder(self._archive)
        command = [str(self.programs / "pg_receivewal"), "-D", str(self._archive)]
        command += ["-d", self._primary.url(), "--synchronous", "-n"]
        self._receiver = subprocess.Popen(command, user=self.user, cwd="/")
        Replica.prepare(self)

    def prepare(self) -> None:
        """Nothing: the backup is there."""

    async def restore(self, point: str) -> None:
        """Go on at the named point, as a primary."""
        self.end_receiving()
        (self.data_dir / "standby.signal").unlink()
        (self.data_dir / "recovery.signal").touch()
        fetch = f"cp {self._archive}/%f %p || cp {self._archive}/%f.partial %p"
        settings = {
            "restore_command": fetch,
            "recovery_target_name": point,
            "recovery_target_action": "promote",
            "primary_conninfo": "",
        }
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        with (self.data_dir / "postgresql.auto.conf").open("a") as file:
            file.writelines(lines)
        self._hand_over(self.data_dir / "recovery.signal")
        await asyncio.to_thread(self.start)
        await until_primary(self)

    def end_receiving(self) -> None:
        """End the receiver of the log."""
        if self._receiver is not None:
            self._receiver.terminate()
            self._receiver.wait(30)
            self._receiver = None

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop the server, and the receiver."""
        self.end_receiving()
        super().stop(timeout_s)


async def name_point(url: str, point: str) -> None:
    """Write a named point into the log, and have the log sent."""
    await execute(url, f"SELECT pg_create_restore_point('{point}')", "SELECT pg_switch_wal()")


async def until_primary(server: PostgresServer) -> None:
    """Return once a server takes writes."""
    await execute(server.url(), "CREATE TEMPORARY TABLE IF NOT EXISTS is_primary ()")


async def until_replayed(replica: PostgresServer, primary: PostgresServer) -> None:
    """Return once a replica shows everything that its primary has committed by now."""
    async with superuser(primary.url()) as theirs, superuser(replica.url()) as own:
        end = await theirs.fetchval("SELECT pg_current_wal_flush_lsn()")
        async with asyncio.timeout(60):
            while not await own.fetchval("SELECT pg_last_wal_replay_lsn() >= $1", end):  # noqa: ASYNC110  nothing tells it
                await asyncio.sleep(0.05)


async def cut_off(replica: Replica) -> None:
    """From now on a replica gets nothing of what its primary commits."""
    await execute(replica.url(), "ALTER SYSTEM SET primary_conninfo = ''", RELOAD)


async def go_on_at(site: Exposed, server: Replica) -> None:
    """All connections lead to another server from now on, and those that there are end."""
    site.primary = server
    site.database.target = site.ours.target = (HOST, server.port)
    for proxy in (site.database, site.ours):
        proxy.reset()


@asynccontextmanager
async def without_processes(site: Exposed) -> AsyncIterator[None]:
    """None of our processes runs meanwhile."""
    async with AsyncExitStack() as stopped:
        for role in site.pids():
            await stopped.enter_async_context(site.stack.without(role))
        yield


def copy_temporal(source: Path, target: Path) -> None:
    """Put the database of a Temporal server that does not run from one folder into another."""
    for old in target.glob("temporal.db*"):
        old.unlink()
    for file in source.glob("temporal.db*"):
        shutil.copy(file, target)
