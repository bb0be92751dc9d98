"""What the documents say exists: commands, settings, processes."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from ordersaga.bootstrap.settings import (
    CONFIG_FILE_VARIABLE,
    ENV_PREFIX,
    SECRETS_DIR_VARIABLE,
    Settings,
)
from ordersaga.bootstrap.stack_state import DATA_DIR_VARIABLE
from tests.support.repository.command_line import commands
from tests.support.repository.source_tree import ROOT, files, name_of, text_of

DOCUMENTS = [path for path in files(".md") if "adr" not in path.parts]
VARIABLES = {ENV_PREFIX + name.upper() for name in Settings.model_fields} | {
    CONFIG_FILE_VARIABLE,
    SECRETS_DIR_VARIABLE,
    DATA_DIR_VARIABLE,
}


def code_in(markdown: str) -> Iterator[str]:
    """Lines of code blocks and pieces of inline code."""
    for block in re.findall(r"^```\w*\n(.*?)^```", markdown, re.DOTALL | re.MULTILINE):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", markdown)


def called_commands(path: Path) -> Iterator[str]:
    """The words after `ordersaga`, up to the first argument or option."""
    for code in code_in(text_of(path)):
        match = re.match(r"\s*ordersaga((?: [a-z][a-z-]*)+)", code)
        if match:
            yield match.group(1).strip()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_command_in_a_document_exists(path: Path) -> None:
    known = commands()
    groups = {" ".join(words.split()[:1]) for words in known}
    unknown = [
        called
        for called in called_commands(path)
        if called not in groups and not any(f"{called} ".startswith(f"{words} ") for words in known)
    ]
    assert unknown == []


def test_the_page_of_commands_is_what_the_program_says() -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "write_cli_docs.py"))["page"]
    assert text_of(ROOT / "docs" / "cli.md") == page(), "run `make docs`"


def test_the_documents_of_the_api_are_what_the_program_says() -> None:
    pages = runpy.run_path(str(ROOT / "scripts" / "write_api_docs.py"))["PAGES"]
    for path, page in pages.items():
        assert text_of(path) == page(), "run `make docs`"


def test_every_command_says_what_it_does() -> None:
    assert {words for words, command in commands().items() if not command.help} == set()


def test_every_setting_is_documented() -> None:
    named = set(re.findall(r"`(ORDERSAGA_[A-Z_]+)`", text_of(ROOT / "docs" / "configuration.md")))
    assert named == VARIABLES


def test_the_documented_defaults_are_the_real_ones() -> None:
    rows = re.findall(
        r"^\| `ORDERSAGA_(\w+)` \|(.*?)\|",
        text_of(ROOT / "docs" / "configuration.md"),
        re.MULTILINE,
    )
    documented = {name.lower(): default.strip("` ") for name, default in rows}
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else default_text(field.default)
        # What is unset may be described as "off".
        assert documented[name] == default or (documented[name], default) == ("off", ""), name


def default_text(default: object) -> str:
    return f"{default:g}" if isinstance(default, float) else str(default).rstrip("/")


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_no_document_names_an_unknown_setting(path: Path) -> None:
    named = set(re.findall(r"\bORDERSAGA_[A-Z_]*[A-Z]\b", text_of(path)))
    assert {name for name in named if not name.startswith("ORDERSAGA_SANDBOX")} <= VARIABLES
