"""Files and folders that no other user of the machine can read."""

import os
from pathlib import Path
from typing import BinaryIO, Final

from ordersaga.errors import Refused

_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_OF_OTHERS: Final = 0o077


def private_folder(folder: Path, *, ours: str = "") -> None:
    """Create a folder that only its owner may enter, or close one; folders above stay as they are.

    Args:
        folder: to be closed.
        ours: a file that shows that a folder is ours, whoever may enter it now.

    Raises:
        Refused: it belongs to another user, or is open to others and holds something else.
        OSError: it cannot be created.
    """
    folder.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.geteuid():
        raise Refused(f"{folder} belongs to another user: choose another folder")
    if not status.st_mode & _OF_OTHERS:
        return
    if not (folder / ours).is_file() and any(folder.iterdir()):
        raise Refused(
            f"{folder} holds other files and other users may enter it: "
            "choose an empty folder, or close it first (chmod 700)"
        )
    folder.chmod(_FOLDER_MODE)


def append_private(path: Path) -> BinaryIO:
    """Open a file to append to it; if it is created, only its owner may read it."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _FILE_MODE), "ab")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read: the whole text or nothing, also in a crash."""
    draft = path.with_name(f"{path.name}.tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
