"""Requests at random from the published OpenAPI document to a whole stack: `make fuzz`.

The exit code is 1 if an answer is a server error, or not one that the document describes. A seed
that is printed makes the same requests again.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from random import SystemRandom

from ordersaga.access.roles import Role
from tests.support.api.published import Published, Tries, kinds_of_requests
from tests.support.api.stack import published_by
from tests.support.stack.stack import Up

_EXAMPLES = 20


def _round(published: Published, seed: int) -> list[str]:
    """One round over all operations and roles; what was wrong."""
    tries, problems = Tries(_EXAMPLES, seed), []
    attempts = [
        (f"{operation}, {mode}", lambda o=operation, m=mode: published.try_operation(o, m, tries))
        for operation, mode in kinds_of_requests()
    ]
    attempts += [
        (f"sequences, {role}", lambda r=role: published.try_sequences(r, tries)) for role in Role
    ]
    for name, attempt in attempts:
        try:
            attempt()
        except Exception as error:  # noqa: BLE001  one problem must not hide the others
            problems.append(f"{name}, seed {seed}: {error}")
    return problems


async def _run(minutes: float, seed: int) -> int:
    rounds, problems = 0, []
    with tempfile.TemporaryDirectory() as folder:
        stack = Up(Path(folder) / "data")
        await stack.start()
        try:
            published = await published_by(stack)
            until = time.monotonic() + 60 * minutes
            while rounds == 0 or time.monotonic() < until:
                found = await asyncio.to_thread(_round, published, seed + rounds)
                rounds += 1
                problems += found
                print(f"round {rounds}, seed {seed + rounds - 1}: {len(found)} problems")
        finally:
            await stack.stop()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def main() -> int:
    """Run for some minutes."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(2**31))
    options = parser.parse_args()
    return asyncio.run(_run(options.minutes, options.seed))


if __name__ == "__main__":
    sys.exit(main())
