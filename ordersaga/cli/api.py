"""The process `ordersaga api`."""

from ordersaga.api.serving import run_api
from ordersaga.cli.output import async_command


@async_command
async def api() -> None:
    """Serve the HTTP API until SIGTERM.

    Requests that are under way are finished first.
    """
    await run_api()
