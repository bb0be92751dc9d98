"""Policies are read through their module, so that a test can replace one in one place."""

import ast
from pathlib import Path

import pytest

from tests.support.repository.source_tree import ROOT, shipped_packages

TYPES = {"Policy"}


def imported_policies(source: str) -> set[str]:
    return {
        alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module == "workflows.policies"
        for alias in node.names
    }


@pytest.mark.parametrize("package", shipped_packages())
def test_no_module_imports_a_policy_by_value(package: str) -> None:
    modules: list[Path] = sorted((ROOT / package).rglob("*.py"))
    by_value = {
        str(path.relative_to(ROOT)): names
        for path in modules
        if (names := imported_policies(path.read_text(encoding="utf-8")) - TYPES)
    }
    assert by_value == {}


def test_the_control_an_import_by_value_is_found() -> None:
    assert imported_policies("from workflows.policies import STEP, Policy") == {"STEP", "Policy"}
    assert imported_policies("from workflows import policies") == set()
