"""The `ordersaga` program: its commands and groups.

The module of a command is loaded when it is called, so `ordersaga --help` and wrong usage stay
quick.
"""

from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from ordersaga.cli.output import run_to_completion

_COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "up": (
        "stack:up",
        "Run PostgreSQL, Temporal, the sandboxes, workers, projections and the API until Ctrl-C.",
    ),
    "worker": ("worker:worker", "Run workers for task queues until SIGTERM."),
    "starter": ("worker:starter", "Start a saga for each submitted order until SIGTERM."),
    "api": ("api:api", "Serve the HTTP API and the console until SIGTERM."),
    "token": ("tokens:app", "Create, list and revoke tokens of the HTTP API."),
    "migrate": ("migrate:migrate", "Create or update the database schema and its roles."),
    "doctor": (
        "doctor:doctor",
        "Check settings, database, Temporal and providers; say what to do.",
    ),
    "providers": (
        "providers:providers",
        "Show when the payment provider or the carrier failed, what waits, and what workers see.",
    ),
    "import": ("importing:import_orders", "Submit the orders of a file."),
    "inbox": (
        "inbox:inbox",
        "Show what waits for a person or will change by itself soon, and what can be done now.",
    ),
    "audit": ("read_models:audit", "Print who did what, when and why."),
    "verify": ("verify:verify", "Prove that stock, money, parcels, sagas and read models agree."),
    "recover": (
        "recovery:recover",
        "Restart open sagas, parcels and returns that Temporal has lost.",
    ),
    "restored": (
        "restored:restored",
        "Find what a restored database has lost, and start again what knows more than it.",
    ),
    "demo": ("demo:demo", "Run real orders through the saga and show how each ended."),
    "projections": ("projections:app", "Keep the read models up to date."),
    "order": ("orders:app", "Create, submit, cancel and show orders."),
    "orders": ("read_models:orders", "Query orders in the read models."),
    "demand": ("read_models:demand", "Query the demand for products."),
    "payments": ("payments:app", "Show what orders cost, and what providers hold of it."),
    "stock": ("stock:app", "Receive, correct and show stock."),
    "customer": ("customers:app", "Erase personal data; rotate its keys."),
    "saga": ("saga.group:app", "Show sagas and steer them."),
    "job": ("jobs:app", "Show, carry out and end jobs: one act on many orders."),
    "parcel": ("parcels:app", "Follow parcels after they have left."),
    "return": ("returns:app", "Take goods back and refund money."),
    "notifications": ("notifications:app", "Notify other systems of what happens to orders."),
    "installation": (
        "installation:app",
        "Show or change the installation id, by which payments are known as our own.",
    ),
    "store": ("store:app", "Manage partitions and the archive of the event store."),
}
"""Name, where it is defined, and its line in `ordersaga --help`."""


class LazyCommand(TyperCommand):
    """Stands for a command or a group until it is called."""

    def load(self) -> Any:
        """The command or group itself."""
        module, _, attribute = _COMMANDS[self.name or ""][0].partition(":")
        target = getattr(import_module(f"ordersaga.cli.{module}"), attribute)
        if isinstance(target, typer.Typer):
            return get_group(target)
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(self.name)(target)
        return get_command(single)

    def make_context(self, *args: Any, **options: Any) -> Any:
        """The context of the loaded command, which replaces this one from here on."""
        return self.load().make_context(*args, **options)


class _Commands(TyperGroup):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = {
            name: LazyCommand(name=name, help=text, rich_markup_mode=None)
            for name, (_, text) in _COMMANDS.items()
        }


app = typer.Typer(
    name="ordersaga",
    cls=_Commands,
    help="Carry every order through to completed or cancelled.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(requested: bool) -> None:
    if requested:
        typer.echo(f"ordersaga {version('ordersaga')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


def main() -> NoReturn:
    """Entry point of the `ordersaga` program."""
    run_to_completion(app)


if __name__ == "__main__":
    main()
