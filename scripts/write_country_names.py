"""Writes ordersaga/importing/country_names.txt: what countries are called.

From pycountry: the names of ISO 3166-1 and their translations. One line a country: its code, its
code of three letters, and its names.
"""

import gettext
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "ordersaga" / "importing" / "country_names.txt"
LANGUAGES = ["de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da", "nb", "fi", "cs"]


def text() -> str:
    """The whole file."""
    import pycountry  # noqa: PLC0415  a test imports this module

    translations = [
        gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language])
        for language in LANGUAGES
    ]
    lines = []
    for country in sorted(pycountry.countries, key=lambda one: str(one.alpha_2)):
        english = _english(country)
        other = [each.gettext(name) for name in english for each in translations]
        names = dict.fromkeys([country.alpha_3, *english, *other])
        lines.append("|".join([country.alpha_2, *names]) + "\n")
    return "".join(lines)


def _english(country: Any) -> list[str]:
    names = (getattr(country, part, None) for part in ("name", "common_name", "official_name"))
    return [name for name in names if name]


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
