"""Each rule of this folder names its source."""

import importlib
from pathlib import Path

import pytest

from tests.support.stack.stripe_rules import DOCS, RULE, Rule

MODULES = sorted(
    path.stem for path in Path(__file__).parent.glob("test_*.py") if path.stem != "test_rules"
)


@pytest.mark.parametrize("module", MODULES)
def test_each_rule_cites_the_documentation(module: str) -> None:
    tests = vars(importlib.import_module(f"tests.contract.stripe_api.{module}"))
    rules = {
        name: getattr(test, RULE, None) for name, test in tests.items() if name.startswith("test_")
    }
    assert rules
    for name, rule in rules.items():
        assert isinstance(rule, Rule), name
        assert rule.address.startswith(DOCS), name
        assert len(rule.sentence) > 5, name
