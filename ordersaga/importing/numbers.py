"""Decimal numbers as shops write them, and the proof of which sign is the decimal sign."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Final

SIGNS: Final = (".", ",")
# Far more digits than any price has; the limit keeps hostile input cheap.
_MAX_TEXT: Final = 40
_REMEMBERED: Final = 4096
_BLANKS_AND_QUOTES: Final = "'\u2019 \u00a0\u202f"


def _form(decimal: str, thousands: str) -> re.Pattern[str]:
    groups = rf"[0-9]{{1,3}}(?P<sep>[{thousands}])[0-9]{{3}}(?:(?P=sep)[0-9]{{3}})*"
    return re.compile(rf"(?P<sign>[+-]?)(?P<whole>{groups}|[0-9]+)(?:{decimal}(?P<part>[0-9]+))?")


_FORMS: Final = {
    ".": _form(r"\.", f",{_BLANKS_AND_QUOTES}"),
    ",": _form(",", f".{_BLANKS_AND_QUOTES}"),
}


@lru_cache(_REMEMBERED)
def parse_number(text: str, decimal: str) -> Decimal | None:
    """The number in the text, or None: ``1,234.50`` with ``.``, ``1.234,50`` with ``,``."""
    match = _FORMS[decimal].fullmatch(text) if len(text) <= _MAX_TEXT else None
    if match is None:
        return None
    whole = re.sub(r"[^0-9]", "", match["whole"])
    return Decimal(f"{match['sign']}{whole}.{match['part'] or '0'}")


@dataclass
class DecimalProof:
    """What the numbers of a whole file say about its decimal sign.

    Attributes:
        only: the first number that can be read with this sign only, by sign.
        either: the first number that is another one with each sign.
    """

    only: dict[str, str] = field(default_factory=dict)
    either: str = ""

    def see(self, text: str, place: str) -> None:
        """Take a number of the file into account; `place` names it for people."""
        if not text or text.isdigit():
            return
        read = {sign: number for sign in SIGNS if (number := parse_number(text, sign)) is not None}
        if len(read) == 1:
            self.only.setdefault(next(iter(read)), f"{place}: {text}")
        elif len(set(read.values())) > 1:
            self.either = self.either or f"{place}: {text}"

    def decided(self, documented: str | None) -> str:
        """The sign: the only one proved, else the documented one of the format.

        Raises:
            ValueError: the file proves both or none, and there is no documented one.
        """
        if len(self.only) == 1:
            return next(iter(self.only))
        if documented is not None:
            return documented
        if self.only:
            places = "; ".join(self.only[sign] for sign in SIGNS)
            raise ValueError(f"both . and , are decimal signs ({places})")
        if self.either:
            raise ValueError(f"nothing proves which sign is the decimal sign ({self.either})")
        return "."
