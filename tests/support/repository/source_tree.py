"""The repository as data, for the architecture tests."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

# Files the tools make (`.git` is one in a worktree); everything else in the tree is ours.
_NOT_OURS = {".git", "__pycache__", "build", "dist", "node_modules"}
_HIDDEN_BUT_OURS = {".ci"}


@cache
def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def shipped_packages() -> list[str]:
    """The top-level packages that hatchling puts into the wheel."""
    return list(project()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])


def files(*suffixes: str, under: str = ".") -> Iterator[Path]:
    """Our files below a folder; all of them if no suffix is given."""
    for path in sorted((ROOT / under).iterdir()):
        if path.is_dir():
            hidden = path.name.startswith(".") and path.name not in _HIDDEN_BUT_OURS
            if not hidden and path.name not in _NOT_OURS and path.suffix != ".egg-info":
                yield from files(*suffixes, under=name_of(path))
        elif path.name not in _NOT_OURS and (not suffixes or path.suffix in suffixes):
            yield path


def shipped_modules() -> list[Path]:
    """Every Python file of the wheel."""
    return [path for package in shipped_packages() for path in files(".py", under=package)]


def name_of(path: Path) -> str:
    """A path as it is written in messages: relative to the root, with slashes."""
    return path.relative_to(ROOT).as_posix()


@cache
def text_of(path: Path) -> str:
    """A file's text."""
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    """A Python file's syntax tree."""
    return ast.parse(text_of(path), filename=str(path))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a Python file's syntax tree; walking it takes longer than parsing it."""
    return tuple(ast.walk(tree_of(path)))


def imports_of(path: Path) -> set[str]:
    """The dotted names that a Python file imports, anywhere in it."""
    found: set[str] = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found
