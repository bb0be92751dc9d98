"""Measures the event store on an embedded PostgreSQL with durable commits: `make bench`.

`python -m benchmarks sagas` measures sagas against a bare Temporal workflow instead.

Contenders take turns round by round on the same server, so that what else the machine does hits
all of them; the figures are medians over the rounds.
"""

import argparse
from pathlib import Path

from benchmarks import sagas, store


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("subject", nargs="?", default="store", choices=("store", "sagas"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual load")
    parser.add_argument(
        "--growth", type=int, default=0, metavar="EVENTS", help="also in a table with so many"
    )
    parser.add_argument("--json", type=Path, help="file for the figures of `sagas`")
    parser.add_argument("--scenes", nargs="*", default=sagas.SCENES, choices=sagas.SCENES)
    given = parser.parse_args()
    if given.subject == "sagas":
        wish = sagas.Wish.scaled(given.rounds, given.scale, given.scenes, given.json)
        sagas.main(wish)
    else:
        store.main(given.rounds, given.scale, given.growth)


if __name__ == "__main__":
    main()
