"""What must not be in a committed file, and lists that must stay complete."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repository.source_tree import ROOT, files, name_of, text_of

SUITES = {"unit", "contract", "integration", "workflow", "acceptance", "architecture"}
BINARY = {".gz", ".png", ".whl", ".zip", ".ico"}

# Home folders and build roots of a developer's or CI's machine.
MACHINE_PATH = re.compile(r"(^|[^A-Za-z0-9_.])/(work|farm|root|home/\w+|Users/\w+)/")
REGISTRY_HOST = re.compile(
    r"\b(pypi|pythonhosted|npmjs|crates|rubygems|goproxy)\.(org|com|io|net)\b"
    r"|^\s*(extra-)?index-url|^\s*find-links|^\s*registry\s*=",
    re.MULTILINE,
)


def committed_texts() -> Iterator[Path]:
    return (path for path in files() if path.suffix not in BINARY)


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name_of(path)}: {match.group()!r}"
        for path in committed_texts()
        for match in pattern.finditer(text_of(path))
    ]


def test_no_file_names_a_path_of_one_machine() -> None:
    assert lines_with(re.compile(MACHINE_PATH.pattern, re.MULTILINE)) == []


def test_no_file_names_a_package_registry() -> None:
    assert lines_with(REGISTRY_HOST) == []


@pytest.mark.parametrize("name", ["runtime.txt", "production.txt", "dev.txt"])
def test_a_lock_file_pins_every_package_by_hash_and_carries_no_address(name: str) -> None:
    text = text_of(ROOT / "requirements" / name)
    assert "://" not in text
    pinned = re.findall(r"^[a-z0-9][\w.-]*==\S+[^\n]* \\\n    --hash=sha256:", text, re.MULTILINE)
    packages = re.findall(r"^[a-z0-9][\w.-]*\b", text, re.MULTILINE)
    assert len(pinned) == len(packages) > 30


@pytest.mark.parametrize("lock", ["clients/typescript", "requirements/npm"])
def test_a_lock_of_npm_pins_every_package_by_hash_and_carries_no_address(lock: str) -> None:
    text = text_of(ROOT / lock / "package-lock.json")
    packages = [package for path, package in json.loads(text)["packages"].items() if path]
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages)
    assert "://" not in text


def test_every_test_file_is_in_a_suite() -> None:
    tests = [path.relative_to(ROOT / "tests") for path in files(".py", under="tests")]
    named_test = [path for path in tests if re.search(r"^test_|_test\.py$", path.name)]
    assert [path for path in named_test if path.parts[0] not in SUITES] == []
    assert {path.parts[0] for path in named_test} == SUITES


def test_every_decision_is_listed_and_has_its_parts() -> None:
    folder = ROOT / "docs" / "adr"
    index = text_of(folder / "README.md")
    records = sorted(folder.glob("[0-9]*.md"))
    linked = re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", index)
    assert sorted(linked) == [path.name for path in records]
    assert len({path.name[:4] for path in records}) == len(records)
    for path in records:
        headings = re.findall(r"^## (.+)$", text_of(path), re.MULTILINE)
        assert headings == ["Context", "Decision", "What lost", "Consequences"], path.name


def test_every_link_in_the_documentation_leads_to_a_file() -> None:
    broken = [
        f"{name_of(path)}: {target}"
        for path in files(".md")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(path))
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_make_help_names_every_target() -> None:
    makefile = text_of(ROOT / "Makefile")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    documented = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert documented == set(phony.group(1).split())
