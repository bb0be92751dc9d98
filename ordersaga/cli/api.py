"""The process `ordersaga api`."""

from ordersaga.api.serving import run_api
from ordersaga.cli.output import async_command
from ordersaga.console.site import build_site


@async_command
async def api() -> None:
    """Serve the HTTP API and the console until SIGTERM.

    Requests that are under way are finished first.
    """
    await run_api(build_site)
