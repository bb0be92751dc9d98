"""A streaming replica of a PostgreSQL server, to fail over to."""

import subprocess
from pathlib import Path

from ordersaga.embedded.postgres import SUPERUSER, EmbeddedPostgres
from tests.support.faults.database import execute
from tests.support.stores.postgres_server import PostgresServer, free_port


class Replica(PostgresServer):
    """A copy that follows a primary: what the primary commits is on both."""

    def __init__(self, primary: EmbeddedPostgres, folder: Path) -> None:
        super().__init__(folder, free_port())
        self._primary = primary

    def prepare(self) -> None:
        """Copy the primary."""
        self._prepare_place()
        self._prepare_folder(self.data_dir)
        command = [str(self.programs / "pg_basebackup"), "-D", str(self.data_dir), "-R"]
        command += ["-d", self._primary.url(), "-X", "stream", "-c", "fast", "--no-sync"]
        subprocess.run(command, user=self.user, check=True, cwd="/", timeout=120)

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """Connection URL of a database; the logins and their passwords are the primary's."""
        theirs = self._primary.url(database, user)
        return theirs.replace(f":{self._primary.port}/", f":{self.port}/")

    async def follow(self) -> None:
        """From now on the primary commits nothing that is not here as well."""
        wait = "ALTER SYSTEM SET synchronous_standby_names = '*'"
        await execute(self._primary.url(), wait, "SELECT pg_reload_conf()")

    async def promote(self) -> None:
        """Become a primary, which waits for no standby."""
        alone = "ALTER SYSTEM RESET synchronous_standby_names"
        await execute(self.url(), "SELECT pg_promote()", alone, "SELECT pg_reload_conf()")
