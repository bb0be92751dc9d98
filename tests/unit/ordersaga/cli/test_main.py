"""The program's commands: loaded when they are called, and nothing large before that."""

import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from ordersaga.cli.main import LazyCommand, app

COMMANDS = get_command(app).commands  # type: ignore[attr-defined]  # it is a group


def modules_after(*arguments: str) -> set[str]:
    """The modules that a process has loaded when the command has ended."""
    program = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from ordersaga.cli.main import app\n"
        f"result = CliRunner().invoke(app, {list(arguments)!r})\n"
        "assert result.exit_code == 0, result.output\n"
        "print('\\n'.join(sys.modules))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True
    )
    return set(ended.stdout.split())


def test_the_help_loads_no_command() -> None:
    loaded = modules_after("--help")
    assert "ordersaga.cli.main" in loaded
    assert not loaded & {"temporalio", "asyncpg", "pydantic", "rich.table", "ordersaga.cli.orders"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("order", "--help"),
        ("stock", "--help"),
        ("saga", "--help"),
        ("return", "--help"),
        ("projections", "--help"),
        ("notifications", "--help"),
        ("store", "--help"),
    ],
)
def test_the_help_of_a_group_loads_neither_temporal_nor_settings(
    arguments: tuple[str, ...],
) -> None:
    loaded = modules_after(*arguments)
    assert "ordersaga.cli.common" in loaded
    assert not loaded & {"temporalio", "pydantic_settings"}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_line_in_the_help_is_the_first_sentence_of_the_command(name: str) -> None:
    command = COMMANDS[name]
    assert isinstance(command, LazyCommand)
    first_paragraph = command.load().help.partition("\n\n")[0]
    assert " ".join(first_paragraph.split()) == command.help


def test_a_misspelled_command_gets_a_suggestion() -> None:
    result = CliRunner().invoke(app, ["ordr"])
    assert result.exit_code == 2
    assert "Did you mean 'order'" in result.stderr
