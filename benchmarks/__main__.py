"""Measures event store and read models on an embedded, durable PostgreSQL: `make bench`.

`python -m benchmarks store` or `projections` measures one of the two. `growth` measures a store of
many million events against an empty one instead, `sagas` sagas against a bare Temporal workflow,
`hot-sku` many orders for one product against as many for many products, and `stock-loading` the
load of a popular product by a worker that has just started.

Contenders take turns round by round on the same server, so that what else the machine does hits
all of them; the figures are medians over the rounds.
"""

import argparse
from pathlib import Path

from benchmarks import hot_sku, projections, sagas, stock_loading, store, store_growth


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    subjects = ("store", "projections", "growth", "sagas", "hot-sku", "stock-loading")
    parser.add_argument("subject", nargs="?", choices=subjects, help="default: the first two")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual load")
    parser.add_argument(
        "--events", type=int, default=10_000_000, help="in the large store of `growth`"
    )
    parser.add_argument(
        "--appends-only", action="store_true", help="of the store; shows, but writes no results"
    )
    parser.add_argument("--json", type=Path, help="file for the figures of the last three")
    parser.add_argument("--scenes", nargs="*", default=sagas.SCENES, choices=sagas.SCENES)
    _measure(parser.parse_args())


def _measure(given: argparse.Namespace) -> None:
    if given.subject == "sagas":
        wish = sagas.Wish.scaled(given.rounds, given.scale, given.scenes, given.json)
        sagas.main(wish)
    elif given.subject == "growth":
        store_growth.main(given.events, given.rounds)
    elif given.subject == "hot-sku":
        hot_sku.main(given.rounds, given.scale, given.json)
    elif given.subject == "stock-loading":
        stock_loading.main(given.rounds, given.scale, given.json)
    else:
        if given.subject != "projections":
            store.main(given.rounds, given.scale, appends_only=given.appends_only)
        if given.subject != "store":
            projections.main(given.rounds, given.scale)


if __name__ == "__main__":
    main()
