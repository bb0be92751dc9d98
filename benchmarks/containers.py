"""The whole docker-compose.yml on Podman: `make containers`, or `python -m benchmarks.containers`.

Builds the image, starts every service of every profile, places real orders, kills and replaces each
container meanwhile, asks API, console, backup and operators' commands, and stops it all. The exit
code is 1 if anything was not as it should be. It needs root.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import RESULTS, surroundings
from tests.support.containers.possible import why_not
from tests.support.containers.rehearsal import BASE_MADE, Course, Result, rehearse

_PROJECT = "ordersaga-rehearsal"
_FIGURES = RESULTS / "containers.json"
_LONGEST_S = 600.0


def main() -> None:
    """Run it, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.containers", description=__doc__)
    parser.add_argument("--orders", type=int, default=Course().orders)
    parser.add_argument(
        "--temporal-server",
        type=Path,
        default=os.environ.get("ORDERSAGA_TEMPORAL_SERVER"),
        metavar="FOLDER",
        help="with temporal-server, temporal-sql-tool and schema; default: the development server",
    )
    given = parser.parse_args()
    course = Course(orders=given.orders, temporal_server=given.temporal_server)
    if reason := why_not():
        sys.exit(reason)
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", flush=True)

    with TemporaryDirectory(prefix="ordersaga-containers-") as folder:
        result = rehearse(_PROJECT, Path(folder), course, say)
    seconds = result.figures["seconds"]
    seconds["in all"] = round(time.monotonic() - began, 1)
    if seconds["in all"] - seconds.get(BASE_MADE, 0) > _LONGEST_S:
        say(f"it took more than {_LONGEST_S:.0f} s, which a quiet machine does not need")
    _keep(result)
    for problem in result.problems:
        say(f"PROBLEM: {problem}")
    say("nothing is wrong" if not result.problems else f"{len(result.problems)} problems")
    sys.exit(bool(result.problems))


def _keep(result: Result) -> None:
    """Put the figures beside those of the other images."""
    kept = json.loads(_FIGURES.read_text()) if _FIGURES.exists() else {}
    figures = {**surroundings(), **result.figures, "problems": result.problems}
    _FIGURES.write_text(json.dumps({**kept, result.images: figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
