"""Does what `temporal server start-dev` does, with a cluster on PostgreSQL in its place.

It takes the same arguments. Of these it obeys the address, the ports, the search attributes and the
folder: the cluster's data is where the file of the embedded server would be. The dynamic settings
are those that the containers have. Where the embedded server has its pages is the frontend's HTTP
API. Any other command goes to Temporal's own program.
"""

import asyncio
import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ordersaga.daemons.ending import stopping_on_signals
from ordersaga.embedded.layout import temporal_program
from tests.support.cluster.cluster import Cluster, new_layout
from tests.support.cluster.switch import chosen_version


def main() -> None:
    """Be the program `temporal`."""
    match sys.argv[1:]:
        case ["server", "start-dev", *arguments]:
            asyncio.run(_serve(_parse(arguments)))
        case arguments:
            program = temporal_program()
            os.execv(program, [program, *arguments])  # noqa: S606  the purpose


def _parse(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(prog="temporal server start-dev", allow_abbrev=False)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ui-port", type=int, required=True)
    parser.add_argument("--db-filename", type=Path, required=True)
    parser.add_argument("--search-attribute", action="append", default=[])
    return parser.parse_known_args(arguments)[0]


async def _serve(wish: Namespace) -> None:
    attributes = dict(each.split("=") for each in wish.search_attribute)
    layout = new_layout(wish.db_filename, wish.port, wish.ui_port)
    cluster = Cluster(layout, chosen_version(), _say)
    with stopping_on_signals() as stop:
        starting = asyncio.create_task(cluster.start(attributes))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await stopping
        finally:
            starting.cancel()
            await asyncio.wait({starting})
            await cluster.stop()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
