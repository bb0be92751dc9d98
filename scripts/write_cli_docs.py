"""Writes docs/cli.md from the command line itself, so that the two cannot differ."""

import inspect
import sys
from collections.abc import Iterator
from enum import EnumType
from pathlib import Path
from typing import Any

from typer.main import get_command

from ordersaga.cli.main import LazyCommand, app

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"

HEAD = """# The command line

Written by `make docs` from the program itself; `ordersaga COMMAND --help` says the same.

Results go to standard output, errors to standard error. Exit codes: 0 done, 1 the request was
refused, 2 wrong usage or a wrong setting, 3 a server cannot be reached, 75 a process was stopped
and gave up running work. Listing and show commands take `--json`; an error is JSON then, too, with
its code from [the list](errors.md). Settings come from the environment: see
[configuration](configuration.md).
"""


def page() -> str:
    """The whole text of docs/cli.md."""
    sections = [section(words, command) for words, command in leaves(get_command(app), "")]
    return "\n".join([HEAD, *sections])


def leaves(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    """Every command, with the words that call it, in the order of `--help`."""
    if isinstance(command, LazyCommand):
        command = command.load()
    children = getattr(command, "commands", None)
    if children is None:
        yield words, command
        return
    for name, child in children.items():
        yield from leaves(child, f"{words} {name}".strip())


def section(words: str, command: Any) -> str:
    """One command: its usage line, its help, its arguments and options."""
    arguments = [parameter for parameter in command.params if is_argument(parameter)]
    options = [p for p in command.params if not is_argument(p) and p.name != "help"]
    usage = " ".join(["ordersaga", words, *map(placeholder, arguments)])
    usage += " [OPTIONS]" if options else ""
    text = [f"## {words}", "", f"    {usage}", "", inspect.cleandoc(command.help or ""), ""]
    rows = [row(parameter) for parameter in (*arguments, *options)]
    if rows:
        text += ["| | |", "| --- | --- |", *rows, ""]
    return "\n".join(text)


def is_argument(parameter: Any) -> bool:
    """Whether a parameter is positional."""
    return bool(parameter.param_type_name == "argument")


def name_of(argument: Any) -> str:
    """An argument's name as `--help` shows it, without brackets."""
    return str(argument.metavar or argument.name.upper()).strip("[]")


def placeholder(argument: Any) -> str:
    """An argument as the usage line shows it."""
    name = name_of(argument) + ("…" if argument.nargs != 1 else "")
    return name if argument.required else f"[{name}]"


def row(parameter: Any) -> str:
    """One row of the table: spelling and meaning."""
    spelling = name_of(parameter) if is_argument(parameter) else spelled(parameter)
    meaning = " ".join((getattr(parameter, "help", None) or "").split())
    notes = ", ".join(remarks(parameter))
    meaning = f"{meaning} ({notes})" if notes else meaning
    return f"| `{spelling}` | {meaning.strip().replace('|', '&#124;')} |"


def spelled(option: Any) -> str:
    """An option's spellings."""
    return ", ".join((*option.opts, *option.secondary_opts))


def remarks(parameter: Any) -> Iterator[str]:
    """Remarks that complete the help text: required, choices, default."""
    if parameter.required and not is_argument(parameter):
        yield "required"
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, EnumType):
        yield "one of " + ", ".join(str(choice.value) for choice in kind)  # type: ignore[var-annotated]  # any enum
    default = getattr(parameter.default, "value", parameter.default)
    if isinstance(default, int | float | str) and not isinstance(default, bool) and default != "":
        yield f"default {default}"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text(encoding="utf-8") != page() and "docs/cli.md: run `make docs`")
    PAGE.write_text(page(), encoding="utf-8")
