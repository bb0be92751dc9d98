"""Run both sandboxes: ``python -m adapters.sandboxes --data-dir D --payment-port P ...``.

Every option can also be set in the environment, as ORDERSAGA_SANDBOX_ and its name in capitals
(ORDERSAGA_SANDBOX_LOST_ANSWER_RATE=0.05).
"""

import argparse
import asyncio
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from adapters.providers.rules import UNSERVED_COUNTRIES
from adapters.sandboxes.process import SandboxOptions, run_sandboxes

_PREFIX = "ORDERSAGA_SANDBOX_"


def _rate(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError
    return value


def _milliseconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 600_000:
        raise ValueError
    return value / 1000


def _countries(text: str) -> frozenset[str]:
    codes = frozenset(code.strip().upper() for code in text.split(",") if code.strip())
    if any(len(code) != 2 or not code.isalpha() for code in codes):
        raise ValueError
    return codes


# name, type, default, help
_OPTIONS = (
    ("data-dir", Path, None, "folder of the ledgers"),
    ("payment-port", int, "8181", "port of the payment sandbox (default 8181)"),
    ("carrier-port", int, "8182", "port of the carrier sandbox (default 8182)"),
    ("host", str, "127.0.0.1", "address to listen on (default 127.0.0.1)"),
    ("seed", int, "0", "same seed, same failures"),
    ("latency-ms", _milliseconds, "0", "delay before the work of each call"),
    ("answer-latency-ms", _milliseconds, "0", "delay between the work and the answer"),
    ("unavailable-rate", _rate, "0", "fraction of calls answered with 503 before the work"),
    ("error-rate", _rate, "0", "fraction of calls answered with 500 before the work"),
    ("lost-answer-rate", _rate, "0", "fraction of calls whose answer is lost after the work"),
    (
        "unserved-countries",
        _countries,
        ",".join(sorted(UNSERVED_COUNTRIES)),
        "ISO country codes that the carrier refuses, separated by commas",
    ),
)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m adapters.sandboxes", description=__doc__)
    for name, kind, default, text in _OPTIONS:
        value = os.environ.get(_PREFIX + name.replace("-", "_").upper(), default)
        parser.add_argument(
            f"--{name}", type=kind, default=value, required=value is None, help=text
        )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    parsed = _parse(arguments)
    options = SandboxOptions(
        seed=parsed.seed,
        latency_s=parsed.latency_ms,
        answer_latency_s=parsed.answer_latency_ms,
        unavailable_rate=parsed.unavailable_rate,
        error_rate=parsed.error_rate,
        lost_answer_rate=parsed.lost_answer_rate,
        unserved_countries=parsed.unserved_countries,
    )
    serving = run_sandboxes(
        parsed.payment_port, parsed.carrier_port, parsed.data_dir, host=parsed.host, options=options
    )
    try:
        asyncio.run(serving)
    except (OSError, sqlite3.Error) as error:
        sys.stderr.write(f"the sandboxes cannot start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
