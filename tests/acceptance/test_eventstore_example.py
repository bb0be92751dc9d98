"""The event store is of use to others: its example runs."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_bank_account_example_transfers_once_and_refuses_the_second() -> None:
    done = subprocess.run(
        [sys.executable, "examples/bank_account.py"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "1. account-ada Deposited 5000",
        "2. account-ada Withdrawn -3000",
        "3. account-bob Deposited 3000",
        "first transfer: True, second: False",
    ]


def test_the_example_knows_nothing_of_orders() -> None:
    text = (ROOT / "examples" / "bank_account.py").read_text()
    for package in ("domain", "ordersaga", "activities", "adapters", "temporalio"):
        assert f"from {package}" not in text
