"""The command line as data, for the tests that compare documentation and deployment with it."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from ordersaga.cli.main import app


def commands() -> dict[str, Any]:
    """Every command by its words, groups left out: ``{"order show": …}``."""
    return dict(_below(get_command(app), ""))


def _below(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield words, command
        return
    for name, child in children.items():
        yield from _below(child, f"{words} {name}".strip())
