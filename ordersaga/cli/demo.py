"""`ordersaga demo`: real orders through the whole system, on one machine, without any setup."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ordersaga.cli.output import async_command
from ordersaga.daemons.ending import stop_on_signals
from ordersaga.demo.folder import DEFAULT_FOLDER
from ordersaga.demo.run import Demo, DemoOptions
from ordersaga.demo.screen import Screen
from ordersaga.demo.source import choose_file
from ordersaga.display.tables import console
from ordersaga.errors import INTERRUPTED


@async_command
async def demo(
    orders: Annotated[int, typer.Option(min=1, max=10_000, help="Number of orders.")] = 200,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")
    ] = False,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder for all data; emptied first.", show_default=".demo"),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="File of orders.", show_default="a sample of real orders")
    ] = None,
    timeout: Annotated[  # noqa: ASYNC109  the option's name; the demonstration itself enforces it
        float, typer.Option(min=1, max=86_400, help="Seconds within which all sagas must end.")
    ] = 300,
) -> int:
    """Run real orders through the saga and show how each ended."""
    options = DemoOptions(choose_file(file), orders, data_dir or DEFAULT_FOLDER, keep, timeout)
    stop = stop_on_signals()
    demonstration = Demo(options, Screen(console()), stop)
    work = asyncio.create_task(demonstration.run())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if work.done() or demonstration.keeping:
        return await work
    work.cancel()
    await asyncio.wait({work})
    return INTERRUPTED
