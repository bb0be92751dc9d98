"""A thing is named after what it is: words that say only that there is something are refused."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

import pytest

from tests.support.repository.source_tree import files, name_of, nodes_of, shipped_packages

# Of what? Say `rows`, `order`, `payment`, `filter`.
EMPTY = {"known", "made", "found", "wanted", "told", "given"}
# Riddles, and what to say instead.
RENAMED = {
    "Attended": "OperatorAttention",
    "DecodeOnce": "CachingCodec",
    "Fate": "RecoveryOutcome",
    "Outside": "Dependencies",
    "Portion": "FeedSlice",
    "Slot": "AggregateStream",
    "Told": "CommandResult",
    "Undoing": "Compensation",
    "Wishes": "ShortageRequests",
    "Work": "UnitOfWork",
    "after_delivery": "returns_client",
    "applying": "batch",
    "arrivals": "stock_signals",
    "closed_orders": "archivable_orders",
    "recovery_after": "recovery_returns",
    "short_append": "fast_path",
    "side_by_side": "run_concurrently",
    "take_in": "ensure_submitted",
    "tell": "execute",
    "to_its_end": "run_to_completion",
}


def assigned(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """The names that variables, attributes, fields and parameters get, with their lines."""
    for node in nodes:
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def defined(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """The names of classes and functions, with their lines."""
    for node in nodes:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name


def riddles(module: str, nodes: Sequence[ast.AST]) -> list[str]:
    stem = PurePosixPath(module).stem
    empty = [f"{line} {name}" for line, name in sorted(assigned(nodes)) if name.strip("_") in EMPTY]
    renamed = [
        f"{line} {name}: {RENAMED[name.strip('_')]}"
        for line, name in [(1, stem), *defined(nodes)]
        if name.strip("_") in RENAMED
    ]
    return [f"{module}:{each}" for each in empty + renamed]


def nodes(source: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse(source)))


@pytest.mark.parametrize("package", shipped_packages())
def test_names_say_what_they_stand_for(package: str) -> None:
    modules = files(".py", under=package)
    assert [each for path in modules for each in riddles(name_of(path), nodes_of(path))] == []


def test_a_variable_a_field_and_a_parameter_with_an_empty_name_are_found() -> None:
    source = (
        "def f(told):\n    for made, _ in told:\n        self._known = made\n    found: int = 1"
    )
    assert riddles("a.py", nodes(source)) == [
        "a.py:1 told",
        "a.py:2 made",
        "a.py:3 _known",
        "a.py:4 found",
    ]


def test_a_riddle_is_found_with_its_better_name() -> None:
    assert riddles("a/take_in.py", nodes("class Work:\n    async def tell(self): ...")) == [
        "a/take_in.py:1 take_in: ensure_submitted",
        "a/take_in.py:1 Work: UnitOfWork",
        "a/take_in.py:2 tell: execute",
    ]
