"""What each package may take from outside; a library that is not in the table is refused."""

import ast
import sys
from pathlib import Path

import pytest

from tests.support.repository.source_tree import (
    files,
    imports_of,
    name_of,
    nodes_of,
    shipped_modules,
    shipped_packages,
)

# Third-party libraries per package; the layer contracts say which of our own packages it may use.
ALLOWED = {
    "domain": set[str](),
    "eventstore": {"asyncpg", "msgspec"},
    "activities": {"structlog", "temporalio"},
    "adapters": {"aiohttp", "cryptography", "pydantic", "pydantic_core", "stripe", "structlog"},
    "projections": {"asyncpg", "msgspec", "opentelemetry", "structlog"},
    "workflows": {"pydantic", "pydantic_core", "temporalio"},
    "workers": {"structlog", "temporalio"},
}

# What a pure domain must be given instead of asking for it.
ASKS_THE_WORLD = {"now", "utcnow", "today", "uuid1", "uuid4", "open", "print", "input", "getenv"}


def libraries_of(path: Path) -> set[str]:
    top_level = {name.split(".")[0] for name in imports_of(path)}
    return top_level - set(sys.stdlib_module_names) - set(shipped_packages())


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_package_uses_only_the_libraries_it_may(package: str) -> None:
    found = {
        name_of(path): libraries_of(path) - ALLOWED[package] for path in files(".py", under=package)
    }
    assert not {name: extra for name, extra in found.items() if extra}


def test_the_table_names_every_package_but_the_composition_root() -> None:
    assert set(ALLOWED) | {"ordersaga"} == set(shipped_packages())


def test_no_shipped_module_imports_tests_or_benchmarks() -> None:
    strangers = {"tests", "benchmarks", "scripts", "pytest", "hypothesis"}
    found = {
        name_of(path): {name.split(".")[0] for name in imports_of(path)} & strangers
        for path in shipped_modules()
    }
    assert not {name: extra for name, extra in found.items() if extra}


def test_the_domain_asks_neither_the_clock_nor_the_dice() -> None:
    asked = [
        f"{name_of(path)}:{node.lineno}"
        for path in files(".py", under="domain")
        for node in nodes_of(path)
        if isinstance(node, ast.Call) and called_name(node) in ASKS_THE_WORLD
    ]
    assert asked == []


def called_name(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def test_the_domain_uses_no_floating_point() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in files(".py", under="domain")
        for node in nodes_of(path)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
    ]
    assert found == []
