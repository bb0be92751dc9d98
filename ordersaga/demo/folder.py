"""The demonstration's own folder: made afresh each time, and never somebody else's."""

import shutil
from pathlib import Path
from typing import Final

from ordersaga.embedded.state import is_running
from ordersaga.errors import Refused

DEFAULT_FOLDER: Final = Path(".demo")
_MARK: Final = "made-by-ordersaga-demo"


def fresh_folder(folder: Path) -> Path:
    """An empty folder of that name; what an earlier demonstration left there is removed.

    Raises:
        Refused: the folder holds something else, a stack runs on it, or it cannot be made.
    """
    if is_running(folder):
        raise Refused(f"a stack is running on {folder}: stop it, or choose another --data-dir")
    try:
        if folder.exists():
            _clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MARK).touch()
    except OSError as error:
        raise Refused(f"cannot use {folder}: {(error.strerror or str(error)).lower()}") from error
    return folder


def _clear(folder: Path) -> None:
    if not folder.is_dir():
        raise Refused(f"{folder} is no folder")
    if (folder / _MARK).exists():
        shutil.rmtree(folder)
    elif any(folder.iterdir()):
        raise Refused(f"{folder} is not empty and no folder of a demonstration: nothing was done")
