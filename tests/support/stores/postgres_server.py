"""A PostgreSQL server that tests and benchmarks start, stop and kill; it asks for no password."""

import contextlib
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ordersaga.embedded import system_user
from ordersaga.embedded.postgres import HOST, SUPERUSER, EmbeddedPostgres, PostgresFailedError

_START_TIMEOUT_S: Final = 60.0


def free_port() -> int:
    """A TCP port on loopback that is free right now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def let_pass(folder: Path) -> None:
    """As root, let the server's user through to a temporary folder of a test."""
    for each in (folder, *folder.parents):
        if each.is_relative_to(tempfile.gettempdir()) and each.exists():
            each.chmod(each.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)


class PostgresServer(EmbeddedPostgres):
    """A server with a process of its own.

    Args:
        data_dir: folder of the cluster; created if it does not exist.
        port: TCP port on loopback.
        options: server settings.
        programs: folder with `postgres`, `initdb` and `pg_isready`; None: that of the wheel.
    """

    authentication = "trust"

    def __init__(
        self,
        data_dir: Path,
        port: int,
        options: Mapping[str, str] | None = None,
        programs: Path | None = None,
    ) -> None:
        super().__init__(data_dir, port)
        self.programs = programs or self.programs
        self._options = dict(options or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the running server; its sessions are children."""
        assert self._process is not None
        return self._process.pid

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """Connection URL of a database of this server."""
        return f"postgresql://{user}@{HOST}:{self.port}/{database}"

    def _prepare_place(self) -> None:
        """Have the cluster where the test says, so that it goes when the test's folder goes."""
        if self.user is not None:
            self.programs = system_user.reachable_programs(self.programs)
            let_pass(self._named.parent)

    def command(self) -> list[str]:
        """The command of the product's server, with the options."""
        options = [("-c", f"{name}={value}") for name, value in self._options.items()]
        return [*super().command(), *(part for option in options for part in option)]

    def start(self) -> None:
        """Create the cluster if it does not exist, start the server, return once it answers.

        Raises:
            PostgresFailedError: with the last lines of the server's log.
        """
        self.prepare()
        self._spawn()
        self._wait_until_ready()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Shut down fast (rolling back open transactions); force it after `timeout_s`."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(timeout_s)

    def kill(self) -> None:
        """End the server immediately, like a power cut; the next start recovers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    def _spawn(self) -> None:
        with self._log_file().open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                user=self.user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C reaches only us: we stop children in order
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            if self._accepts_connections():
                return
            time.sleep(0.05)
        self.stop()
        raise PostgresFailedError(f"PostgreSQL did not start:\n{self._log_tail()}")

    def _accepts_connections(self) -> bool:
        command = [
            str(self.programs / "pg_isready"),
            "-q",
            "-h",
            HOST,
            "-p",
            str(self.port),
            "-t",
            "1",
        ]
        return subprocess.run(command, check=False).returncode == 0

    def _log_file(self) -> Path:
        return self._named.with_name(f"{self._named.name}.log")

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self._log_file().read_text(errors="replace").splitlines()[-15:])
        return "(no log)"


class StackServer(PostgresServer):
    """The server of a stack's data folder, with the cluster where `ordersaga up` has it."""

    def _prepare_place(self) -> None:
        EmbeddedPostgres._prepare_place(self)
