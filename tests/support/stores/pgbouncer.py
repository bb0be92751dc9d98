"""pgbouncer before a PostgreSQL server, in the plainest configuration there is."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal
from urllib.parse import urlsplit

from ordersaga.embedded.layout import GRANTS, OPERATOR
from ordersaga.embedded.postgres import HOST, SUPERUSER, EmbeddedPostgres
from tests.support.stores.logins import LOGINS
from tests.support.stores.postgres_server import free_port

Mode = Literal["session", "transaction"]
PROGRAM = "/usr/sbin/pgbouncer"
_LOGINS = (
    SUPERUSER,
    OPERATOR,
    *(login for logins in GRANTS.values() for login in logins),
    *LOGINS,
)
_START_TIMEOUT_S = 30.0
_CONFIGURATION = """\
[databases]
* = host={host} port={behind}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {logins}
pool_mode = {mode}
default_pool_size = 60
"""


class PgBouncer:
    """A pooler on a port of its own.

    Args:
        server: what it stands before.
        mode: how long a client keeps a server's session.
        folder: for its two files.
    """

    def __init__(self, server: EmbeddedPostgres, mode: Mode, folder: Path) -> None:
        self.port = free_port()
        self._server = server
        self._mode = mode
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def through(self, url: str) -> str:
        """A URL of the server, with the pooler in between."""
        return url.replace(f":{self._server.port}/", f":{self.port}/")

    def start(self) -> None:
        """Start it, and return once it accepts connections."""
        configuration, logins = self._folder / "pgbouncer.ini", self._folder / "logins.txt"
        ports = {"behind": self._server.port, "port": self.port}
        text = _CONFIGURATION.format(host=HOST, logins=logins, mode=self._mode, **ports)
        configuration.write_text(text)
        passwords = {name: urlsplit(self._server.url(user=name)).password for name in _LOGINS}
        logins.write_text("".join(f'"{n}" "{p or ""}"\n' for n, p in passwords.items()))
        for path, mode in ((self._folder, 0o755), (configuration, 0o644), (logins, 0o644)):
            path.chmod(mode)
        self._process = subprocess.Popen(
            [PROGRAM, "--quiet", str(configuration)],
            user=self._server.user,  # it refuses to run as root, as the server does
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._accepts():
            assert self._process.poll() is None, "pgbouncer did not start"
            assert time.monotonic() < deadline, "pgbouncer does not accept connections"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, and all connections through it at once."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait()

    def _accepts(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0


@contextmanager
def pooled(server: EmbeddedPostgres, mode: Mode) -> Iterator[PgBouncer]:
    """A pooler that runs inside the context."""
    with TemporaryDirectory(prefix="ordersaga-pooler-") as folder:
        pooler = PgBouncer(server, mode, Path(folder))
        pooler.start()
        try:
            yield pooler
        finally:
            pooler.stop()
