"""The token of the API that an embedded stack makes for whoever runs it."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Final

from eventstore.postgres.pool import create_pool
from ordersaga.access.roles import Role
from ordersaga.access.tokens import Tokens

API_TOKEN_FILE: Final = "api.token"  # noqa: S105  the name of a file
_NAME: Final = "up"
_LIFETIME: Final = timedelta(days=365)


async def ensure_api_token(data_dir: Path, dsn: str) -> None:
    """Make a token of the role admin in the data folder, unless one is there that is accepted."""
    file = data_dir / API_TOKEN_FILE
    pool = await create_pool(dsn, max_size=1)
    try:
        tokens = Tokens(pool)
        if file.exists() and await tokens.is_usable(file.read_text().strip()):
            return
        _, text = await tokens.create(_NAME, Role.ADMIN, (), _LIFETIME, _NAME)
    finally:
        await pool.close()
    _write(file, text)


def read_api_token(file: str) -> str:
    """The token in a file that `ensure_api_token` wrote."""
    return Path(file).read_text().strip()


def _write(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:  # noqa: PTH123  with a mode from the start
        handle.write(f"{text}\n")
