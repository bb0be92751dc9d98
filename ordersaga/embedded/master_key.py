"""The master key of an embedded stack, in a file that only its owner may read."""

from pathlib import Path
from typing import Final

from adapters.personal_data.keys import new_master_key
from ordersaga.bootstrap.private_files import write_private

MASTER_KEY_FILE: Final = "master.key"


def ensure_master_key(data_dir: Path) -> Path:
    """The file with the master key of a data folder; created if it does not exist.

    Call it while holding the lock of the folder.
    """
    path = data_dir / MASTER_KEY_FILE
    if not path.exists():
        write_private(path, new_master_key() + "\n")
    return path
