"""The passwords of a PostgreSQL cluster's logins, in a file that only its owner may read."""

import json
import secrets
from pathlib import Path

from ordersaga.bootstrap.private_files import write_private


class Passwords:
    """Random passwords, one a login, made when they are first asked for and kept.

    Args:
        file: holds them; created if it does not exist.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def of(self, login: str) -> str:
        """The password of a login: letters and digits only."""
        passwords: dict[str, str] = {}
        if self._file.exists():
            passwords = json.loads(self._file.read_text())
        if login not in passwords:
            passwords[login] = secrets.token_hex(24)
            write_private(self._file, json.dumps(passwords, indent=2))
        return passwords[login]
