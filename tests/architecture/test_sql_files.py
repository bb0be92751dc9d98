"""SQL stands in files of its own, headed by a sentence; one statement each, but for schemas."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.repository.source_tree import (
    ROOT,
    files,
    name_of,
    nodes_of,
    shipped_modules,
    shipped_packages,
    text_of,
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


OF_A_TEMPORARY_FILE = "ordersaga/importing/workspace.py"  # SQLite's, gone with the process


def test_python_code_holds_no_sql_about_our_tables() -> None:
    found = [
        f"{name_of(path)}:{node.lineno} {node.value.strip()[:40]}"
        for path in shipped_modules()
        if name_of(path) != OF_A_TEMPORARY_FILE
        for node in nodes_of(path)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and STATEMENTS.match(node.value)
    ]
    assert found == []


def functions_of(schema: str) -> set[str]:
    """The functions that a schema file makes, by their names without the schema."""
    return set(re.findall(r"CREATE (?:OR REPLACE )?FUNCTION \w+\.(\w+)", schema))


def uncalled(schemas: list[str], texts: list[str]) -> set[str]:
    """The functions of schemas that nothing calls: neither a schema nor any of the other texts.

    Where a function is made, changed, dropped, granted or explained, it is not called.
    """
    management = r"--[^\n]*|(?:FUNCTION|PROCEDURE|ROUTINE) (?:IF EXISTS )?(?:\w+\.)?\w+"
    body = re.sub(management, "", "\n".join([*schemas, *texts]))
    made = set().union(*map(functions_of, schemas))
    triggers = set(re.findall(r"EXECUTE FUNCTION (?:\w+\.)?(\w+)", "\n".join(schemas)))
    return {name for name in made - triggers if not re.search(rf"\b{name}\b", body)}


def test_no_function_of_a_schema_is_without_a_caller() -> None:
    schemas = [text_of(path) for path in SQL_FILES if path.parent.name in SCHEMAS]
    statements_of_product = [text_of(path) for path in SQL_FILES if path.parent.name not in SCHEMAS]
    callers = [text_of(path) for path in (*shipped_modules(), ROOT / "docs" / "operations.md")]
    assert uncalled(schemas, statements_of_product + callers) == set()


def test_a_function_that_is_only_made_and_granted_is_found() -> None:
    schema = """
        CREATE FUNCTION s.idle() RETURNS int AS $$ SELECT 1 $$ LANGUAGE sql;
        CREATE FUNCTION s.called() RETURNS int AS $$ SELECT 1 $$ LANGUAGE sql;
        CREATE FUNCTION s.fires() RETURNS trigger AS $$ BEGIN END $$ LANGUAGE plpgsql;
        CREATE TRIGGER t AFTER INSERT ON s.rows EXECUTE FUNCTION s.fires();
        GRANT EXECUTE ON FUNCTION s.idle() TO writer;  -- idle is for writers
    """
    assert uncalled([schema], ["SELECT s.called()"]) == {"idle"}
