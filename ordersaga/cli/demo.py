"""`ordersaga demo`: real orders through everything, on one machine, with nothing to set up."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ordersaga.cli.output import console, run
from ordersaga.errors import INTERRUPTED

if TYPE_CHECKING:
    from ordersaga.demo.run import DemoWish


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(demo)


def demo(
    orders: Annotated[int, typer.Option(min=1, max=10_000, help="How many orders.")] = 200,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of all data; made afresh.", show_default=".demo")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Orders to take.", show_default="a sample of real orders")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=1, max=86_400, help="Seconds that the sagas have to end.")
    ] = 300,
) -> None:
    """Run real orders through the saga and show what became of each."""
    from ordersaga.demo.folder import DEFAULT_FOLDER
    from ordersaga.demo.run import DemoWish
    from ordersaga.demo.source import choose_file

    wish = DemoWish(choose_file(file), orders, data_dir or DEFAULT_FOLDER, keep, timeout)
    run(_demo(wish))


async def _demo(wish: "DemoWish") -> int:
    from ordersaga.daemons.service import stop_on_signals
    from ordersaga.demo.run import Demo
    from ordersaga.demo.screen import Screen

    stop = stop_on_signals()
    show = Demo(wish, Screen(console()), stop)
    work = asyncio.create_task(show.run())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if work.done() or show.keeping:
        return await work
    work.cancel()
    await asyncio.wait({work})
    return INTERRUPTED
