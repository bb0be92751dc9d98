"""The version before: what a deployment that is not finished runs beside the present one."""

import io
import subprocess
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[3]
COMMIT_FILE: Final = _ROOT / "tests" / "data" / "version-before"


class NotInThisCheckout(Exception):
    """The commit of the version before is not here, such as in a shallow clone."""


def commit() -> str:
    """The commit that counts as the version before."""
    return COMMIT_FILE.read_text().strip()


def unpack(folder: Path) -> Mapping[str, str]:
    """Put the version before into a folder; returns the variables with which a process runs it.

    Raises:
        NotInThisCheckout: git does not have it.
    """
    archive = subprocess.run(
        ["git", "archive", "--format=tar", commit()],
        cwd=_ROOT,
        capture_output=True,
        check=False,
    )
    if archive.returncode != 0:
        raise NotInThisCheckout(f"git has no commit {commit()} here: fetch the whole history")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return runs(folder)


def present() -> Mapping[str, str]:
    """The variables with which a process runs this version."""
    return runs(_ROOT)


def runs(folder: Path) -> Mapping[str, str]:
    """The variables with which a process runs the code in a folder, whatever is installed."""
    return {"PYTHONPATH": f"{folder}:{folder / 'clients' / 'python'}"}


def there_and_back(
    folder: Path, say: Callable[[str], None]
) -> Sequence[tuple[str, Mapping[str, str]]]:
    """The version before, and then this one, each with the variables with which a process runs it.

    Without the commit, this version takes its place: each process is replaced all the same.
    """
    try:
        before = commit()[:7], unpack(folder)
    except NotInThisCheckout as problem:
        say(f"this version stands in for the one before: {problem}")
        before = "this version once more", present()
    return [before, ("this version", present())]
