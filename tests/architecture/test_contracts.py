"""Every import-linter contract holds for the tree, and each can fail.

A contract that cannot fail protects nothing: a mistyped module name or a wrong option makes it pass
for ever. So each is run against a copy of the packages with a violation planted.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repository.source_tree import ROOT, project, shipped_packages

CONTRACTS = [contract["id"] for contract in project()["tool"]["importlinter"]["contracts"]]

# (contract, modules to plant and what each says)
VIOLATIONS: list[tuple[str, dict[str, str]]] = [
    ("layers", {"domain/planted.py": "import activities.ports"}),
    ("layers", {"activities/planted.py": "import workflows"}),
    ("layers", {"workers/planted.py": "import ordersaga.cli"}),
    ("layers", {"projections/planted.py": "import activities.messages"}),
    ("pure-domain", {"domain/planted.py": "import random"}),
    ("pure-domain", {"domain/planted.py": "from pydantic import BaseModel"}),
    ("no-io-in-the-saga", {"workflows/planted.py": "import urllib.request"}),
    ("no-io-in-the-saga", {"activities/planted.py": "def late():\n    import socket"}),
    ("no-io-in-the-saga", {"activities/planted.py": "import eventstore.postgres.pool"}),
    ("generic-eventstore", {"eventstore/planted.py": "from domain.money import Money"}),
    ("generic-eventstore", {"eventstore/planted.py": "from temporalio import activity"}),
    ("projections-apart", {"projections/planted.py": "import workflows"}),
    ("projections-apart", {"projections/planted.py": "import temporalio"}),
    (
        "projection-rooms",
        {"projections/engine/planted.py": "import projections.read_models.parcels.model"},
    ),
    ("projection-rooms", {"projections/engine/planted.py": "import projections.registry"}),
    ("projection-rooms", {"projections/outbox/planted.py": "import projections.read_models"}),
    ("projection-rooms", {"projections/read_models/planted.py": "import projections.outbox.rules"}),
    (
        "read-models-apart",
        {
            "projections/read_models/planted/__init__.py": "",
            "projections/read_models/planted/model.py": (
                "import projections.read_models.parcels.model"
            ),
        },
    ),
    ("adapters-apart", {"adapters/planted.py": "import projections"}),
    ("adapter-rooms", {"adapters/payments/planted.py": "import adapters.shipping.http"}),
    ("adapter-rooms", {"adapters/providers/planted.py": "import adapters.payments.http"}),
    ("adapters-by-the-root-only", {"workers/planted.py": "import adapters"}),
    ("postgres-driver", {"eventstore/planted.py": "import asyncpg"}),
    ("postgres-driver", {"workers/planted.py": "import asyncpg"}),
    ("domain-subjects", {"domain/stock/planted.py": "import domain.order.events"}),
    ("domain-subjects", {"domain/customer/planted.py": "import domain.order.state"}),
    ("activity-subjects", {"activities/payments/planted.py": "import activities.shipping.parcel"}),
    ("activity-subjects", {"activities/orders/planted.py": "import activities.returns.rules"}),
    (
        "activities-private",
        {"activities/payments/planted.py": "import activities.orders.activities"},
    ),
    ("rooms-of-the-root", {"ordersaga/demo/planted.py": "import ordersaga.cli.main"}),
    ("rooms-of-the-root", {"ordersaga/api/planted.py": "import ordersaga.console.site"}),
    ("rooms-of-the-root", {"ordersaga/operations/planted.py": "import ordersaga.daemons.starter"}),
    ("rooms-of-the-root", {"ordersaga/bootstrap/planted.py": "import ordersaga.embedded.stack"}),
    ("rooms-of-the-root", {"ordersaga/personal_data/planted.py": "import ordersaga.bootstrap"}),
    ("rooms-of-the-root", {"ordersaga/planted.py": ""}),
    ("workflows-apart", {"workflows/returns/planted.py": "import workflows.delivery.workflow"}),
    ("workflows-apart", {"workflows/common/planted.py": "import workflows.fulfillment.state"}),
    ("workflows-apart", {"workflows/documents/planted.py": "import workflows.common.failures"}),
    (
        "acyclic",
        {
            "ordersaga/planted_a.py": "import ordersaga.planted_b",
            "ordersaga/planted_b.py": "import ordersaga.planted_a",
        },
    ),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__")
    for package in shipped_packages():
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_all_contracts_are_kept(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout
    assert f"{len(CONTRACTS)} kept, 0 broken" in result.stdout


def test_every_contract_has_a_planted_violation() -> None:
    assert {contract for contract, _ in VIOLATIONS} == set(CONTRACTS)


@pytest.mark.parametrize(("contract", "planted"), VIOLATIONS)
def test_a_contract_is_broken_by_a_violation(
    copy: Path, contract: str, planted: dict[str, str]
) -> None:
    for name, source in planted.items():
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text(source + "\n", encoding="utf-8")
    result = lint(copy, "--contract", contract)
    assert result.returncode == 1
    assert "0 kept, 1 broken" in result.stdout
    assert "planted" in result.stdout
