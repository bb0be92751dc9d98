"""The Python client as a service gets it: a wheel, beside a package `domain` of the service."""

import json
import runpy
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.repository.source_tree import ROOT, text_of

CLIENT = ROOT / "clients" / "python"
OF_PYDANTIC = {"pydantic", "pydantic_core", "annotated_types", "typing_inspection"}

# Without `site`, so that no editable install of the product gets in.
SERVICE = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
import domain
import pydantic, temporalio.client
before = set(sys.modules)
import ordersaga_client
print(json.dumps({
    "domain": domain.OWNER,
    "from": ordersaga_client.__file__,
    "loaded": sorted({name.partition(".")[0] for name in set(sys.modules) - before}),
    "product": sorted({"ordersaga", "workflows", "activities", "eventstore"} & set(sys.modules)),
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=CLIENT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_one_package_and_needs_two(wheel: Path) -> None:
    assert names_in(wheel) == {
        path.relative_to(CLIENT).as_posix()
        for path in (CLIENT / "ordersaga_client").iterdir()
        if path.suffix in (".py", ".typed") or path.name == "py.typed"
    }
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("/METADATA"))
        lines = archive.read(name).decode().splitlines()
    needed = [line for line in lines if line.startswith("Requires-Dist: ")]
    assert needed == ["Requires-Dist: pydantic>=2.14", "Requires-Dist: temporalio>=1.35"]


def use(wheel: Path, tmp_path: Path) -> dict[str, Any]:
    """What a service sees that imports the client."""
    service = tmp_path / "service"
    (service / "domain").mkdir(parents=True)
    (service / "domain" / "__init__.py").write_text('OWNER = "the service"\n', encoding="utf-8")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    paths = [str(service), str(tmp_path / "installed"), sysconfig.get_path("purelib")]
    command = [sys.executable, "-I", "-S", "-c", SERVICE, json.dumps(paths)]
    done = subprocess.run(command, cwd=service, capture_output=True, text=True, check=True)
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_a_service_keeps_its_own_domain_and_loads_nothing_of_the_product(
    wheel: Path, tmp_path: Path
) -> None:
    seen = use(wheel, tmp_path)
    assert (seen["domain"], seen["product"]) == ("the service", [])
    assert seen["from"].startswith(str(tmp_path / "installed"))


def test_its_import_loads_only_itself_beside_temporalio_and_pydantic(
    wheel: Path, tmp_path: Path
) -> None:
    loaded = set(use(wheel, tmp_path)["loaded"]) - OF_PYDANTIC - set(sys.stdlib_module_names)
    assert {name for name in loaded if not name.startswith("_sysconfigdata")} == {
        "ordersaga_client",
        *({"temporalio"} & loaded),
    }


def test_the_types_are_those_of_the_schemas() -> None:
    pages = runpy.run_path(str(ROOT / "scripts" / "write_client_types.py"))["PAGES"]
    assert len(pages) == 2  # for Python, and for TypeScript
    for path, page in pages.items():
        assert text_of(path) == page(), "run `make docs`"
