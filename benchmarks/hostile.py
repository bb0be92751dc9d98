"""Hostile input at every way in: `make hostile`, in full.

The property tests of what comes from outside, with the examples of `make deep`; each example of the
last one sends eight values to each way in. The exit code is 1 if one fails.
"""

import json
import os
import re
import sys
import time
from dataclasses import dataclass, field

import pytest

from benchmarks.report import RESULTS, surroundings

_TESTS = (
    "tests/unit/workflows/documents/test_hostile_inputs.py",
    "tests/integration/projections/test_hostile_values.py",
    "tests/workflow/fulfillment/test_hostile_messages.py",
)


@dataclass
class Figures:
    """What each test did: its examples, and whether it passed."""

    examples: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Count the examples of a property test."""
        text = getattr(item, "hypothesis_statistics", "")
        if found := re.findall(r"(\d+) passing examples", text):
            self.examples[item.nodeid] = sum(map(int, found))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a test ended."""
        if report.when == "call":
            self.outcomes[report.nodeid] = report.outcome


def main() -> None:
    """Run the tests, and keep the figures of a run."""
    figures, began = Figures(), time.monotonic()
    code = pytest.main(["-q", "-n", "0", "--hypothesis-profile", "deep", *_TESTS], [figures])
    found = {
        **surroundings(),
        "seconds": round(time.monotonic() - began),
        "failed": [name for name, outcome in figures.outcomes.items() if outcome != "passed"],
        "passed": sum(outcome == "passed" for outcome in figures.outcomes.values()),
        "examples": figures.examples,
    }
    (RESULTS / "hostile.json").write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.flush()
    os._exit(int(code))


if __name__ == "__main__":
    main()
