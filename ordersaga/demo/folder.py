"""The folder of the demonstration: emptied each time, but never a folder of anything else."""

import shutil
from pathlib import Path
from typing import Final

from ordersaga.bootstrap.stack_state import is_running
from ordersaga.embedded.layout import cluster_of
from ordersaga.embedded.system_user import remove_cluster
from ordersaga.errors import Refused

DEFAULT_FOLDER: Final = Path(".demo")
_MARK: Final = "made-by-ordersaga-demo"


def fresh_folder(folder: Path) -> Path:
    """Make an empty folder; the data of an earlier demonstration is removed.

    Raises:
        Refused: the folder holds other files, a stack runs on it, or it cannot be created.
    """
    if is_running(folder):
        raise Refused(f"a stack is running on {folder}: stop it, or choose another --data-dir")
    try:
        if folder.exists():
            _clear(folder)
        folder.mkdir(0o700, parents=True, exist_ok=True)
        (folder / _MARK).touch()
    except OSError as error:
        raise Refused(f"cannot use {folder}: {(error.strerror or str(error)).lower()}") from error
    return folder


def _clear(folder: Path) -> None:
    if not folder.is_dir():
        raise Refused(f"{folder} is not a folder")
    if (folder / _MARK).exists():
        remove_cluster(cluster_of(folder))
        shutil.rmtree(folder)
    elif any(folder.iterdir()):
        raise Refused(
            f"{folder} is not empty and not the folder of a demonstration: nothing was done"
        )
