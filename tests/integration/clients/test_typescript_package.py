"""The TypeScript client: what it takes compiles, and it makes the same ids as the Python client."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ordersaga_client.placing import order_id_of, update_id

from tests.support.repository.source_tree import ROOT

CLIENT = ROOT / "clients" / "typescript"
pytestmark = [
    pytest.mark.system,  # it needs Node.js and the client that `make typescript` builds
    pytest.mark.timeout(900),
]
IDS = """
import { orderIdOf, updateId } from "./dist/index.js";
const documents = JSON.parse(process.argv[1]);
const ids = documents.map((each) => [orderIdOf(each), updateId(each)]);
console.log(JSON.stringify(ids));
"""
USE = """
import type { OrderSagaClient } from "../dist/index.js";
declare const sagas: OrderSagaClient;
export const placed = sagas.place({
  order_id: "A1",
  currency: "GBP",
  lines: [{ sku: "LAMP-1", description: "Lamp", quantity: 2, unit_price_minor: 1250 }],
});
export const outcome: Promise<"completed" | "cancelled"> =
  sagas.result("A1").then((each) => each.outcome);
export const scan = sagas.parcels.report("A1", "lost", new Date());
export const opened = sagas.returns.open({
  order_id: "A1", return_id: "R1", lines: "all", actor: "anna", reason: "broken",
});
"""
WRONG = {
    "a line without a price": (", unit_price_minor: 1250", ""),
    "a field that nobody knows": ('currency: "GBP"', 'currency: "GBP", coupon: "X"'),
    "an outcome that cannot be": ('"completed" | "cancelled"', '"completed"'),
    "a status that no carrier reports": ('"lost"', '"teleported"'),
    "a return without its reason": (', reason: "broken"', ""),
}
DOCUMENTS: list[dict[str, Any]] = [
    {"order_id": "A1", "total_minor": 10**15, "lines": [{"b": None, "a": True}, [], {}]},
    {
        "reference": "  Größe 5/2026 \u3000",
        "metadata": {"\uffff": "1", "\U0001f600": "2", "z": "3"},
    },
    {
        "reference": "\x1c\x85 100 \t\r\n",
        "note": '\x7f \x1f "\\/" \u2028 \U0001f469\u200d\U0001f680',
    },
    {"reference": "\ufeff1", "metadata": {"a": "", "": "b", "aa": "c", "A": "d"}},
]


def node(program: str, *arguments: str) -> str:
    command = ["node", "--input-type=module", "--eval", program, *arguments]
    return subprocess.run(command, cwd=CLIENT, capture_output=True, text=True, check=True).stdout


def compiles(source: str, folder: Path) -> bool:
    file = folder / "use.mts"
    file.write_text(source.replace("../dist", (CLIENT / "dist").as_posix()), encoding="utf-8")
    config = {
        "extends": str(CLIENT / "tsconfig.json"),
        "compilerOptions": {
            "noEmit": True,
            "rootDir": "/",
            "typeRoots": [str(CLIENT / "node_modules" / "@types")],
        },
        "include": [],
        "files": [str(file)],
    }
    (folder / "tsconfig.json").write_text(json.dumps(config), encoding="utf-8")
    compiler = str(CLIENT / "node_modules" / "typescript" / "bin" / "tsc")
    done = subprocess.run(["node", compiler, "-p", str(folder)], cwd=CLIENT, check=False)
    return done.returncode == 0


def test_it_makes_the_ids_that_the_python_client_makes() -> None:
    ours = [[order_id_of(each), update_id(each)] for each in DOCUMENTS]
    assert json.loads(node(IDS, json.dumps(DOCUMENTS))) == ours


def test_what_it_takes_compiles(tmp_path: Path) -> None:
    assert compiles(USE, tmp_path)


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_does_not_compile(case: str, tmp_path: Path) -> None:
    right, wrong = WRONG[case]
    assert right in USE
    assert not compiles(USE.replace(right, wrong), tmp_path)
