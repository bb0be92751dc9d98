import runpy

import pytest

from domain import codes
from domain.money import minor_digits
from tests.support.repository.source_tree import ROOT


def test_the_tables_are_those_of_the_packages_that_follow_the_standards() -> None:
    module = runpy.run_path(str(ROOT / "scripts" / "write_code_tables.py"))["module"]
    assert (ROOT / "domain" / "codes.py").read_text(encoding="utf-8") == module()


@pytest.mark.parametrize(("currency", "digits"), [("GBP", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)])
def test_a_currency_has_its_decimals(currency: str, digits: int) -> None:
    assert currency in codes.CURRENCIES
    assert minor_digits(currency) == digits
