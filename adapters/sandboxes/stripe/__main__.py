"""Run the stand-in for Stripe: ``python -m adapters.sandboxes.stripe --data-dir D --port P``.

Every option can also be set in the environment, as ORDERSAGA_SANDBOX_STRIPE_ and its name in
capitals (ORDERSAGA_SANDBOX_STRIPE_REQUESTS_PER_SECOND=25).
"""

import argparse
import asyncio
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from adapters.sandboxes.process import serve
from adapters.sandboxes.stripe.account import AccountSettings
from adapters.sandboxes.stripe.server import create_stripe_app

LEDGER: Final = "stripe.sqlite3"
_PREFIX: Final = "ORDERSAGA_SANDBOX_STRIPE_"
_DEFAULTS: Final = AccountSettings()


def _number(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 1_000_000:
        raise ValueError
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 86_400:
        raise ValueError
    return value


# name, type, default, help
_OPTIONS = (
    ("data-dir", Path, None, "folder of the ledger"),
    ("port", int, "8183", "port of the API (default 8183)"),
    ("host", str, "127.0.0.1", "address to listen on (default 127.0.0.1)"),
    (
        "requests-per-second",
        _number,
        str(_DEFAULTS.requests_per_second),
        f"of the account; 0: no limit (default {_DEFAULTS.requests_per_second})",
    ),
    (
        "requests-per-endpoint",
        _number,
        str(_DEFAULTS.requests_per_endpoint),
        f"a second; 0: no limit (default {_DEFAULTS.requests_per_endpoint})",
    ),
    (
        "search-lag-s",
        _seconds,
        str(_DEFAULTS.search_lag_s),
        f"how long the search does not see a change (default {_DEFAULTS.search_lag_s:g})",
    ),
)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m adapters.sandboxes.stripe", description=__doc__
    )
    for name, kind, default, text in _OPTIONS:
        value = os.environ.get(_PREFIX + name.replace("-", "_").upper(), default)
        parser.add_argument(
            f"--{name}", type=kind, default=value, required=value is None, help=text
        )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    parsed = _parse(arguments)
    settings = AccountSettings(
        requests_per_second=parsed.requests_per_second,
        requests_per_endpoint=parsed.requests_per_endpoint,
        search_lag_s=parsed.search_lag_s,
    )
    app = create_stripe_app(parsed.data_dir / LEDGER, settings=settings)
    try:
        asyncio.run(serve([(parsed.port, app)], parsed.host))
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(f"the stand-in for Stripe cannot start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
