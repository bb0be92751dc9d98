"""ISO 3166 codes of countries by what people and shops call them."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from domain.codes import COUNTRIES

# Names that the standard does not have, or has in another form.
_ALSO = {
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "usa": "US",
    "united states of america": "US",
    "south korea": "KR",
    "republic of korea": "KR",
    "north korea": "KP",
    "russia": "RU",
    "holland": "NL",
    "the netherlands": "NL",
    "czech republic": "CZ",
    "turkey": "TR",
    "uae": "AE",
    "macedonia": "MK",
    "ivory coast": "CI",
    "cape verde": "CV",
    "swaziland": "SZ",
    "laos": "LA",
    "brunei": "BN",
    "macau": "MO",
}


def country_code(text: str, also: Mapping[str, str]) -> str | None:
    """The code of a country, or None if the text names none or several.

    Args:
        text: a code of two or three letters, or a name in English or another language of Europe.
        also: names that a format adds.
    """
    key = _key(text)
    own = {_key(name): code for name, code in also.items()}
    if key in own:
        return own[key]
    return key.upper() if key.upper() in COUNTRIES else _names().get(key)


@cache
def _names() -> dict[str, str]:
    codes: dict[str, set[str]] = {}
    for name, code in (*_listed(), *_ALSO.items()):
        codes.setdefault(name, set()).add(code)
    return {name: next(iter(meant)) for name, meant in codes.items() if len(meant) == 1} | _ALSO


def _listed() -> Iterator[tuple[str, str]]:
    text = files("ordersaga.importing").joinpath("country_names.txt").read_text("utf-8")
    for line in text.splitlines():
        code, *names = line.split("|")
        for name in names:
            yield _key(name), code


def _key(text: str) -> str:
    return " ".join(text.casefold().split())
