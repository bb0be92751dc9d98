"""Sizes and silenced checks: short modules, short functions, a reason beside every exception."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.support.repository.source_tree import files, name_of, nodes_of, shipped_modules, text_of

MODULE_LINES = 350
TEST_LINES = 400
FUNCTION_LINES = 40
LONG_FUNCTIONS = 5
MEDIAN_LINES = 8
MAY_SKIP = {"tests/integration/deployment/test_containers.py"}  # where no container can be started

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    """Functions and methods with a body; the empty ones of a protocol say nothing about size."""
    for node in nodes_of(path):
        if isinstance(node, Function) and code_of(node):
            yield node


def code_of(node: Function) -> list[ast.stmt]:
    return [
        statement
        for statement in node.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    ]


def length(node: Function) -> int:
    """Lines from `def` to the end, without the docstring."""
    docstring = 0
    if ast.get_docstring(node) is not None:
        docstring = (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


def lengths() -> dict[str, int]:
    return {
        f"{name_of(path)}:{node.lineno} {node.name}": length(node)
        for path in shipped_modules()
        for node in functions(path)
    }


def python_lines() -> Iterator[tuple[str, str]]:
    for path in files(".py"):
        for number, line in enumerate(text_of(path).splitlines(), start=1):
            yield f"{name_of(path)}:{number}", line


def allowed_lines(name: str) -> int:
    return TEST_LINES if name.startswith("tests/") else MODULE_LINES


def test_modules_are_short() -> None:
    sizes = {name_of(path): len(text_of(path).splitlines()) for path in files(".py")}
    assert not {name: size for name, size in sizes.items() if size > allowed_lines(name)}


def test_hardly_any_function_is_long() -> None:
    long = {name: size for name, size in lengths().items() if size > FUNCTION_LINES}
    assert len(long) <= LONG_FUNCTIONS, long


def test_the_usual_function_is_short() -> None:
    assert median(lengths().values()) <= MEDIAN_LINES


def test_nothing_is_left_to_be_done_later() -> None:
    later = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|NotImplemented" r"Error)\b")
    assert [where for where, line in python_lines() if later.search(line)] == []


def test_a_silenced_check_names_itself_and_its_reason() -> None:
    silenced = re.compile(r"#\s*(type:\s*ignore|no" r"qa|pragma)")
    explained = re.compile(
        r"#\s*(type:\s*ignore\[[a-z-]+(, ?[a-z-]+)*\]|no"
        r"qa: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*)"
        r"\W+\w+"
    )
    found = [
        where
        for where, line in python_lines()
        if silenced.search(line) and "re.compile" not in line and not explained.search(line)
    ]
    assert found == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    skipping = {"skip", "skipif", "xfail", "importorskip"}
    found = {
        name_of(path)
        for path in files(".py", under="tests")
        for node in nodes_of(path)
        if isinstance(node, ast.Attribute) and node.attr in skipping
    }
    assert found == MAY_SKIP


def test_nothing_catches_an_error_and_forgets_it() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in shipped_modules()
        for node in nodes_of(path)
        if isinstance(node, ast.ExceptHandler) and catches_all(node) and forgets(node)
    ]
    assert found == []


def catches_all(handler: ast.ExceptHandler) -> bool:
    kind = handler.type
    return kind is None or (
        isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}
    )


def forgets(handler: ast.ExceptHandler) -> bool:
    return all(isinstance(statement, ast.Pass | ast.Continue) for statement in handler.body)
