"""Every wait for the database has a limit: each call of the driver goes through one that has."""

import ast
import inspect
import re
from collections.abc import Iterator

import asyncpg
import pytest

from eventstore.postgres.connection import LimitedConnection
from eventstore.postgres.pool import LimitedPool
from tests.support.repository.source_tree import name_of, nodes_of, shipped_modules

THE_ONE_PLACE = "eventstore/postgres/connection.py"
DRIVER = re.compile(r"(^|_)(connections?|pool|admin)$")
"""The names that connections and pools of the driver have in this code."""

BY_STATEMENTS = {"add_listener", "remove_listener", "reset", "acquire", "release", "transaction"}
"""What consists of limited statements, or of a limited `_acquire`."""

Call = tuple[str, str]


def own_methods(limited: type, driver: type) -> set[str]:
    """What a class of ours puts in place of the driver's."""
    return {name for name in vars(limited) if hasattr(driver, name)}


LIMITED = (
    BY_STATEMENTS
    | own_methods(LimitedConnection, asyncpg.Connection)
    | own_methods(LimitedPool, asyncpg.Pool)
)
OF_THE_DRIVER = {
    name
    for each in (asyncpg.Connection, asyncpg.Pool)
    for name, _ in inspect.getmembers(each, inspect.isfunction)
    if not name.startswith("_")
}


def awaited_calls(tree: Iterator[ast.AST]) -> Iterator[Call]:
    """Receiver and method of what is awaited or entered on a connection or a pool."""
    for node in tree:
        waits: list[ast.expr] = []
        if isinstance(node, ast.Await):
            waits = [node.value]
        elif isinstance(node, ast.AsyncWith):
            waits = [item.context_expr for item in node.items]
        for call in waits:
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                receiver = ast.unparse(call.func.value)
                if DRIVER.search(receiver) or receiver == "asyncpg":
                    yield receiver, call.func.attr


def unlimited(calls: Iterator[Call]) -> list[Call]:
    return [
        (receiver, method)
        for receiver, method in calls
        if receiver == "asyncpg" or (method in OF_THE_DRIVER and method not in LIMITED)
    ]


def test_every_wait_for_the_driver_has_a_limit() -> None:
    calls = {name_of(path): list(awaited_calls(nodes_of(path))) for path in shipped_modules()}
    assert unlimited(iter(calls.pop(THE_ONE_PLACE))) == [("asyncpg", "connect")]
    assert {name: bad for name, found in calls.items() if (bad := unlimited(iter(found)))} == {}
    assert sum(len(found) for found in calls.values()) > 50, "the names of receivers changed"


@pytest.mark.parametrize(
    "planted",
    [
        "await asyncpg.connect(dsn)",
        "await asyncpg.create_pool(dsn)",
        "await connection.executemany(query, rows)",
        "await self._pool.copy_records_to_table('t', records=rows)",
        "await connection.prepare(query)",
    ],
)
def test_a_wait_without_a_limit_is_found(planted: str) -> None:
    tree = ast.parse(f"async def planted():\n    {planted}")
    assert unlimited(awaited_calls(ast.walk(tree)))
