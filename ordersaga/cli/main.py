"""The command line: mounts the groups of commands; each loads what it needs when it runs."""

from importlib import import_module
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from ordersaga.cli.output import run_to_the_end

_GROUPS = (
    "stack",
    "runtime",
    "projections",
    "importing",
    "orders",
    "read_models",
    "stock",
    "customers",
    "saga",
    "saga_steering",
    "parcels",
    "returns",
    "saga_shortage",
    "notifications",
    "verify",
    "recovery",
    "store",
    "demo",
)

app = typer.Typer(
    name="ordersaga",
    help="Carry every order through to completed or cancelled.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
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


def _mount() -> None:
    for name in _GROUPS:
        module = import_module(f"ordersaga.cli.{name}")
        if hasattr(module, "register"):
            module.register(app)
        else:
            app.add_typer(module.app)


_mount()


def main() -> NoReturn:
    """Entry point of the `ordersaga` program."""
    run_to_the_end(app)


if __name__ == "__main__":
    main()
