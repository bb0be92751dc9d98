"""The master key of an embedded stack: made at its first start, in a file that only we may read."""

import os
from pathlib import Path
from typing import Final

MASTER_KEY_FILE: Final = "master.key"


def ensure_master_key(data_dir: Path) -> Path:
    """The file with the master key of a data folder; makes it if there is none.

    To be called while the folder's lock is held.
    """
    path = data_dir / MASTER_KEY_FILE
    if not path.exists():
        from adapters.personal_data.keys import new_master_key

        draft = path.with_suffix(".tmp")
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123  with a mode from the start
            file.write(new_master_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    return path
