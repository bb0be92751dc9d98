"""`ordersaga up`: the whole system on one machine."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ordersaga.bootstrap.settings import load_settings
from ordersaga.bootstrap.stack_state import chosen_data_dir
from ordersaga.cli.output import OK, async_command
from ordersaga.console.address import entrance
from ordersaga.daemons.ending import stopping_on_signals
from ordersaga.display.tables import console, make_table
from ordersaga.embedded.api_token import read_api_token
from ordersaga.embedded.layout import NOTIFICATIONS
from ordersaga.embedded.stack import EmbeddedStack, StackOptions

Port = Annotated[int | None, typer.Option(min=1, max=65535, show_default=False)]


@async_command
async def up(
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder for all data.", show_default="ORDERSAGA_DATA_DIR or .ordersaga"),
    ] = None,
    temporal_port: Port = None,
    ui_port: Port = None,
    postgres_port: Port = None,
    payment_port: Port = None,
    carrier_port: Port = None,
    stripe_sandbox: Annotated[
        bool, typer.Option("--stripe-sandbox", help="Pay by Stripe, with a stand-in for it.")
    ] = False,
    stripe_port: Port = None,
    api_port: Port = None,
) -> int:
    """Run PostgreSQL, Temporal, the sandboxes, workers, projections and the API until Ctrl-C."""
    options = StackOptions(
        postgres_port=postgres_port,
        temporal_port=temporal_port,
        ui_port=ui_port,
        payment_port=payment_port,
        carrier_port=carrier_port,
        stripe_port=stripe_port,
        stripe_sandbox=stripe_sandbox,
        api_port=api_port,
    )
    settings = load_settings()  # a wrong setting is reported here, not in the log of a child
    if settings.webhook_url is not None:
        options = replace(options, roles=(*options.roles, NOTIFICATIONS))
    stack = EmbeddedStack(data_dir or chosen_data_dir(), options, progress=_say)
    with stopping_on_signals() as stop:
        try:
            if await _start(stack, stop):
                _show(stack)
                await stop.wait()
                _say("stopping")
        finally:
            await stack.stop()
    _say("stopped")
    return OK


async def _start(stack: EmbeddedStack, stop: asyncio.Event) -> bool:
    """Start the stack; False if `stop` was set first."""
    starting = asyncio.create_task(stack.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        stopping.cancel()
        starting.result()
        return True
    starting.cancel()
    await asyncio.wait({starting})
    return False


def _say(line: str) -> None:
    console().print(line, markup=False, soft_wrap=True)


def _show(stack: EmbeddedStack) -> None:
    state = stack.state()
    token = read_api_token(state.api_token_file)
    rows = [
        ("API", state.api_url),
        ("token of the API", token),
        ("Temporal UI", state.ui_url),
        ("Temporal", state.temporal_address),
        ("PostgreSQL", f"{state.shown_database()} (password: stack.json)"),
        ("stand-in for Stripe", state.stripe_url)
        if state.stripe_url
        else ("payment sandbox", state.payment_url),
        ("carrier sandbox", state.carrier_url),
        ("data and logs", str(stack.data_dir)),
    ]
    console().print(make_table(("what", "where"), rows))
    _say(f"console: {entrance(state.api_url, token)}")
    _say("ready; Ctrl-C stops everything")
