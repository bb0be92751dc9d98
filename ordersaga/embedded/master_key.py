"""The master key of an embedded stack, in a file that only its owner may read."""

import os
from pathlib import Path
from typing import Final

from adapters.personal_data.keys import new_master_key

MASTER_KEY_FILE: Final = "master.key"


def ensure_master_key(data_dir: Path) -> Path:
    """The file with the master key of a data folder; created if it does not exist.

    Call it while holding the lock of the folder.
    """
    path = data_dir / MASTER_KEY_FILE
    if not path.exists():
        draft = path.with_suffix(".tmp")
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123  with a mode from the start
            file.write(new_master_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    return path
