"""The schemas before ajv's strictest mode, and the TypeScript types that are made from them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.repository.source_tree import ROOT
from tests.support.schemas.catalogue import SCHEMAS, content_of

PACKAGES = ROOT / ".npm-schemas"
pytestmark = [
    pytest.mark.system,  # it needs Node.js and the packages that `make schemas` installs
    pytest.mark.timeout(900),
]


def run(program: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = ["node", program, *map(str, arguments)]
    return subprocess.run(command, cwd=PACKAGES, capture_output=True, text=True, check=False)


def check(schemas: Path, types: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(
        run(str(ROOT / "scripts" / "check_schemas.mjs"), schemas, types).stdout
    )
    return answer


def compiles(types: Path) -> bool:
    compiler = str(PACKAGES / "node_modules" / "typescript" / "bin" / "tsc")
    files = sorted(types.glob("*.ts"))
    return run(compiler, "--noEmit", "--strict", "--target", "es2022", *files).returncode == 0


def test_every_schema_and_its_examples_are_valid_and_its_types_compile(tmp_path: Path) -> None:
    assert check(ROOT / "schemas", tmp_path) == {"files": len(SCHEMAS), "problems": []}
    assert compiles(tmp_path)
    wrong = 'import { CancelAnOrder } from "./order-cancel";\nexport const x: CancelAnOrder = {};\n'
    (tmp_path / "wrong.ts").write_text(wrong, encoding="utf-8")
    assert not compiles(tmp_path)


WRONG: dict[str, Callable[[dict[str, Any]], object]] = {
    "an unknown keyword": lambda schema: schema.update(version=1),
    "a bound without a type": lambda schema: schema["properties"]["actor"].pop("type"),
    "a field that is required and unknown": lambda schema: schema["required"].append("planet"),
    "an example that is not valid": lambda schema: schema["examples"].append({"actor": 1}),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_found(case: str, tmp_path: Path) -> None:
    schema = content_of("order.cancel")
    WRONG[case](schema)
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "one.json").write_text(json.dumps(schema), encoding="utf-8")
    assert len(check(tmp_path / "schemas", tmp_path / "types")["problems"]) == 1
