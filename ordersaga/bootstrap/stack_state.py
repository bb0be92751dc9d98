"""The state of an embedded stack, in a small JSON file in its data folder.

A lock on a file beside it shows whether the stack is running: the operating system releases the
lock when the process ends, however it ends.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ordersaga.bootstrap.private_files import append_private, write_private

DEFAULT_DATA_DIR: Final = Path(".ordersaga")
DATA_DIR_VARIABLE: Final = "ORDERSAGA_DATA_DIR"
STAND_IN_KEY: Final = "sk_test_stand_in"
"""The stand-in for Stripe takes any key that begins like this one: it is no secret."""

_STATE_FILE: Final = "stack.json"
LOCK_FILE: Final = "stack.lock"
"""Shows that a folder is that of a stack, whether it runs or not."""


@dataclass(frozen=True, slots=True)
class StackState:
    """The addresses and processes of an embedded stack.

    Attributes:
        pid: process id of `ordersaga up`.
        stripe_url: of the stand-in for Stripe; empty if payments go to the sandbox.
        api_token_file: file that holds a token of the API.
        pids: process id by role, of each running child.
    """

    pid: int
    database_url: str
    temporal_address: str
    ui_url: str
    payment_url: str
    carrier_url: str
    master_key_file: str = ""
    stripe_url: str = ""
    api_url: str = ""
    api_token_file: str = ""
    pids: Mapping[str, int] = field(default_factory=dict)

    def settings(self) -> dict[str, str]:
        """The settings that make ordersaga's programs use this stack."""
        settings = {
            "database_url": self.database_url,
            "embedded_temporal_address": self.temporal_address,
            "ui_url": self.ui_url,
            "payment_url": self.payment_url,
            "carrier_url": self.carrier_url,
        }
        if self.master_key_file:
            settings["master_key_file"] = self.master_key_file
        if self.stripe_url:
            settings["payment_provider"] = "stripe"
            settings["stripe_api_base"] = self.stripe_url
            settings["stripe_api_key"] = STAND_IN_KEY
        return settings

    def shown_database(self) -> str:
        """The database URL without its password."""
        parts = urlsplit(self.database_url)
        user, _, host = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user.partition(':')[0]}@{host}").geturl()

    def settings_env(self) -> dict[str, str]:
        """The settings as environment variables."""
        return {f"ORDERSAGA_{name.upper()}": value for name, value in self.settings().items()}


class AlreadyRunning(Exception):
    """Another process is running a stack on this data folder."""


def chosen_data_dir() -> Path:
    """The data folder that ORDERSAGA_DATA_DIR names, or ``.ordersaga`` in the current folder."""
    return Path(os.environ.get(DATA_DIR_VARIABLE) or DEFAULT_DATA_DIR)


@contextlib.contextmanager
def exclusive(data_dir: Path) -> Iterator[None]:
    """Hold the lock of a data folder.

    Raises:
        AlreadyRunning: another process holds it.
    """
    with append_private(data_dir / LOCK_FILE) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"a stack is already running on {data_dir}: stop it first, or choose another folder"
            ) from None
        yield


def is_running(data_dir: Path) -> bool:
    """Whether a process holds the lock of a data folder."""
    with contextlib.suppress(OSError), (data_dir / LOCK_FILE).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def save(data_dir: Path, state: StackState) -> None:
    """Write the state file, atomically."""
    write_private(data_dir / _STATE_FILE, json.dumps(asdict(state), indent=2))


def load(data_dir: Path) -> StackState | None:
    """The last saved state, even of a stack that has stopped; None without a readable file."""
    try:
        return StackState(**json.loads((data_dir / _STATE_FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def load_running(data_dir: Path) -> StackState | None:
    """The state of the stack that is running on a data folder; None if none is."""
    return load(data_dir) if is_running(data_dir) else None


def clear(data_dir: Path) -> None:
    """Remove the state file."""
    (data_dir / _STATE_FILE).unlink(missing_ok=True)
