"""Every test can fail: it asserts something, itself or through a helper that does."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.repository.source_tree import files, name_of, nodes_of, tree_of

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[Path, Function]]:
    for path in files(".py", under="tests"):
        for node in nodes_of(path):
            if isinstance(node, Function):
                yield path, node


@cache
def called_in(function: Function) -> set[str]:
    """The bare names of everything that a function calls."""
    called = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    methods = {target.attr for target in called if isinstance(target, ast.Attribute)}
    return methods | {target.id for target in called if isinstance(target, ast.Name)}


ASSERTING = {"raises", "fail", "check_schema", "call_and_validate", "validate_response"}


def asserts(function: Function) -> bool:
    own = any(isinstance(node, ast.Assert) for node in ast.walk(function))
    return own or bool(called_in(function) & ASSERTING)


def asserting_names() -> set[str]:
    """Names of functions that assert, directly or through one another."""
    found = {node.name for _, node in functions() if asserts(node)}
    while more := {n.name for _, n in functions() if called_in(n) & found} - found:
        found |= more
    return found


def test_every_test_asserts_something() -> None:
    able = asserting_names()
    idle = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path, node in functions()
        if node.name.startswith("test_") and node.name not in able
    ]
    assert idle == []


def test_names_of_tests_are_not_used_twice_in_a_module() -> None:
    seen: set[tuple[Path, str]] = set()
    twice = []
    for path in files(".py", under="tests"):
        for node in tree_of(path).body:
            if isinstance(node, Function) and node.name.startswith("test_"):
                if (path, node.name) in seen:
                    twice.append(f"{name_of(path)}:{node.lineno} {node.name}")
                seen.add((path, node.name))
    assert twice == []
