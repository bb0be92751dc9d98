"""The flat packages: three lists that must be one, and what each package holds."""

import ast
import json
import sys
import tomllib

import pytest

from tests.support.repository.source_tree import ROOT, project, shipped_packages, text_of, tree_of

NOT_SHIPPED = {"tests", "benchmarks"}
OWN = "ordersaga-client"
"""A distribution of this repository, which no lock holds."""


def folders_with_init() -> set[str]:
    return {path.parent.name for path in ROOT.glob("*/__init__.py")} - NOT_SHIPPED


def test_folders_wheel_import_linter_and_mypy_name_the_same_packages() -> None:
    shipped = set(shipped_packages())
    assert folders_with_init() == shipped
    assert set(project()["tool"]["importlinter"]["root_packages"]) == shipped
    assert set(project()["tool"]["mypy"]["packages"]) == shipped


def test_no_shipped_package_shadows_the_standard_library() -> None:
    assert not set(shipped_packages()) & set(sys.stdlib_module_names)


@pytest.mark.parametrize("package", shipped_packages())
def test_a_package_is_marked_as_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


@pytest.mark.parametrize("package", shipped_packages())
def test_a_package_init_holds_a_docstring_only(package: str) -> None:
    body = tree_of(ROOT / package / "__init__.py").body
    if package == "workflows":  # read again for every workflow in the sandbox
        assert body == []
        return
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)
    assert isinstance(body[0].value, ast.Constant)
    assert isinstance(body[0].value.value, str)


def test_every_subfolder_with_python_files_is_a_package() -> None:
    for package in shipped_packages():
        for path in (ROOT / package).rglob("*.py"):
            assert (path.parent / "__init__.py").is_file(), path


def test_product_and_clients_have_one_version() -> None:
    version = project()["project"]["version"]
    assert f"{OWN}=={version}" in project()["project"]["dependencies"]
    python = tomllib.loads(text_of(ROOT / "clients" / "python" / "pyproject.toml"))
    typescript = json.loads(text_of(ROOT / "clients" / "typescript" / "package.json"))
    assert (python["project"]["version"], typescript["version"]) == (version, version)


def test_the_lock_holds_every_dependency_of_the_project() -> None:
    locked = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = pyproject["project"]["optional-dependencies"]["embedded"]
    for requirement in pyproject["project"]["dependencies"] + extras:
        if requirement.startswith(OWN):
            continue
        name = requirement.split(">=")[0].split("[")[0]
        assert f"\n{name}==" in locked, name
