"""SQL stands in files of its own, headed by a sentence; one statement each, but for schemas."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.repository.source_tree import (
    files,
    name_of,
    shipped_modules,
    shipped_packages,
    text_of,
    tree_of,
)

SQL_FILES = [path for package in shipped_packages() for path in files(".sql", under=package)]
TABLES = "tables.sql"
SCHEMAS = {"schema", "migrations"}
# Statements about our own tables. Asking PostgreSQL itself (locks, catalogs) may be inline, and so
# may DROP and ALTER of a table whose schema varies: a name cannot be a parameter.
STATEMENTS = re.compile(
    r"^\s*(SELECT\s.*\sFROM\s+(?!pg_)|INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM"
    r"|CREATE\s+(TABLE|INDEX)|WITH\s+\S+\s+AS\s*\()",
    re.DOTALL,
)


def statements(sql: str) -> list[str]:
    """The statements of a file; comments, quoted text and function bodies do not count."""
    without = re.sub(r"(\$\w*\$).*?\1", "''", sql, flags=re.DOTALL)
    without = re.sub(r"--[^\n]*", "", without)
    without = re.sub(r"'(?:[^']|'')*'", "''", without)
    return [part.strip() for part in without.split(";") if part.strip()]


def test_there_are_sql_files() -> None:
    assert len(SQL_FILES) > 10


@pytest.mark.parametrize("path", SQL_FILES, ids=name_of)
def test_an_sql_file_is_headed_by_a_sentence(path: Path) -> None:
    comment = re.match(r"(--[^\n]*\n)+", text_of(path))
    assert comment is not None
    sentence = " ".join(line.strip("- ") for line in comment.group().splitlines())
    assert re.search(r"\w+ \w+.*[.:]", sentence), sentence


@pytest.mark.parametrize(
    "path",
    [path for path in SQL_FILES if path.parent.name not in SCHEMAS and path.name != TABLES],
    ids=name_of,
)
def test_an_sql_file_holds_one_statement(path: Path) -> None:
    assert len(statements(text_of(path))) == 1


@pytest.mark.parametrize(
    "path", [path for path in SQL_FILES if path.parent.name == "schema"], ids=name_of
)
def test_what_a_schema_holds_is_headed_by_a_comment(path: Path) -> None:
    lines = text_of(path).splitlines()
    bare = [
        line
        for before, line in pairwise(lines)
        if re.match(r"CREATE (TABLE|UNLOGGED TABLE|SEQUENCE|VIEW|SCHEMA|FUNCTION|TRIGGER)\b", line)
        and not before.startswith("--")
    ]
    assert bare == []


@pytest.mark.parametrize("path", [path for path in SQL_FILES if path.name == TABLES], ids=name_of)
def test_the_tables_of_a_read_model_come_with_their_indexes(path: Path) -> None:
    made = [
        re.match(r"CREATE (TABLE|(UNIQUE )?INDEX)\b", each) for each in statements(text_of(path))
    ]
    assert made
    assert all(made)


def test_the_statement_counter_sees_through_function_bodies_and_strings() -> None:
    function = "CREATE FUNCTION f() AS $$ BEGIN; SELECT 1; END; $$ LANGUAGE plpgsql;"
    assert len(statements("-- One; two.\n" + function)) == 1
    assert len(statements("SELECT ';'; SELECT 2")) == 2


def test_python_code_holds_no_sql_about_our_tables() -> None:
    found = [
        f"{name_of(path)}:{node.lineno} {node.value.strip()[:40]}"
        for path in shipped_modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and STATEMENTS.match(node.value)
    ]
    assert found == []
