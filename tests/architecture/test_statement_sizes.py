"""A statement whose work grows with a table gets the time for it, or looks at a bounded part."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repository.source_tree import (
    ROOT,
    files,
    name_of,
    shipped_modules,
    shipped_packages,
    text_of,
    tree_of,
)

GROWS = re.compile(r"\bcount\(|\bsum\(|\bGROUP BY\b|\bIS NULL OR\b|<> \$\d")
"""Aggregates, and conditions that an index cannot serve in every combination."""

GIVES_TIME = re.compile(r"\b(survey|maintenance)\(\)|\bfetch_page\(")
NAMES_IT = {"_sql", "sql", "statement", "_fetch"}

BOUNDED = {
    "eventstore/postgres/sql/age_after.sql": "a span of positions",
    "eventstore/postgres/sql/read_feed_filtered.sql": "a span of positions",
    "eventstore/postgres/sql/count_set_aside.sql": "what one follower could not act on",
    "eventstore/postgres/growth/sql/layout.sql": "one row for each move; run in a survey",
    "ordersaga/findings/keys.sql": "what is wrong with some orders",
    "ordersaga/incidents/waiting.sql": "what processes report of one provider",
    "ordersaga/installation/sql/change.sql": "the last identity",
    "ordersaga/operations/doctor/sql/sessions.sql": "the sessions of the server",
    "projections/engine/sql/count_parked.sql": "what is parked, by key",
    "projections/engine/sql/load_lanes.sql": "the lanes",
    "projections/engine/sql/set_paused.sql": "the lanes",
}


def growing() -> Iterator[Path]:
    """The statements that the rule is about; those that define tables are not."""
    for package in shipped_packages():
        for path in files(".sql", under=package):
            defines = path.parent.name == "schema" or path.name == "tables.sql"
            if not defines and "sandboxes" not in path.parts and GROWS.search(text_of(path)):
                yield path


def functions_naming(path: Path) -> Iterator[str]:
    """The source of each function that runs a statement."""
    room = path.parent.parent if path.parent.name == "sql" else path.parent
    for module in shipped_modules():
        if room not in module.parents and room.parent not in module.parents:
            continue
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.AsyncFunctionDef) and names(node, path.stem):
                yield ast.unparse(node)


def names(function: ast.AST, stem: str) -> bool:
    return any(
        isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in NAMES_IT
        and any(isinstance(each, ast.Constant) and each.value == stem for each in node.args)
        for node in ast.walk(function)
    )


@pytest.mark.parametrize(
    "path", [path for path in growing() if name_of(path) not in BOUNDED], ids=name_of
)
def test_a_statement_that_grows_with_a_table_runs_in_a_survey(path: Path) -> None:
    found = list(functions_naming(path))
    assert found, "nobody runs it under its name"
    assert [source for source in found if not GIVES_TIME.search(source)] == []


def test_what_is_called_bounded_is_there() -> None:
    assert set(BOUNDED) <= {name_of(path) for path in growing()}
    assert all((ROOT / name).exists() for name in BOUNDED)


def test_a_function_that_gives_no_time_is_found() -> None:
    planted = ast.parse("async def f(pool):\n    await pool.fetch(_sql('count'))").body[0]
    assert names(planted, "count")
    assert not GIVES_TIME.search(ast.unparse(planted))
