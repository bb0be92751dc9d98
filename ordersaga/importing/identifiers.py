"""Ids of shops in one normal form, and what that made equal or wrote anew."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from domain.errors import InvalidValue
from domain.ids import Sku, parse_sku
from ordersaga.importing.report import Entry, Outcome, shortened

_DIGITS: Final = 12
_READABLE: Final = 40


def sku_of(text: str) -> Sku:
    """The SKU of what a shop calls a product.

    A text that is a SKU stays as it is. Any other gets one: what of it may stand in a SKU, a dot,
    and the first 12 hexadecimal digits of the SHA-256 of its UTF-8, so that different texts never
    become the same product.
    """
    try:
        return parse_sku(text)
    except InvalidValue:
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        readable = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")[:_READABLE].rstrip("-._")
        digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
        return Sku(f"{readable or 'sku'}.{digest}")


@dataclass
class _Seen:
    """The forms in which an id was written, with the first line of each."""

    column: str
    forms: dict[str, int] = field(default_factory=dict)


class Identifiers:
    """Brings ids to their normal form and remembers in which forms they were written."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], _Seen] = {}

    def take(self, column: str, written: str, normal: str, line: int) -> str:
        """Remember that `written` in `column` means `normal`, which is returned."""
        seen = self._seen.setdefault((column, normal), _Seen(column))
        seen.forms.setdefault(written, line)
        return normal

    def unified(self) -> int:
        """Ids that were written in several forms."""
        return sum(len(seen.forms) > 1 for seen in self._seen.values())

    def entries(self) -> Iterator[Entry]:
        """What was unified, written anew, or kept apart though only its letter case differs."""
        for (column, normal), seen in self._seen.items():
            line, forms = min(seen.forms.values()), ", ".join(map(repr, sorted(seen.forms)))
            if len(seen.forms) > 1:
                detail = f"{forms} are taken as {normal}"
                yield self._entry(line, column, "ids_unified", detail)
            elif normal not in seen.forms:
                yield self._entry(line, column, "id_rewritten", f"{forms} is taken as {normal}")
        yield from self._twins()

    def _twins(self) -> Iterator[Entry]:
        folded: dict[tuple[str, str], list[str]] = {}
        for column, normal in self._seen:
            folded.setdefault((column, normal.casefold()), []).append(normal)
        for (column, _), names in folded.items():
            if len(names) > 1:
                line = min(
                    self._seen[column, name].forms[form]
                    for name in names
                    for form in self._seen[column, name].forms
                )
                detail = f"{', '.join(names)} differ in letter case only: taken as different"
                yield self._entry(line, column, "ids_alike", detail)

    @staticmethod
    def _entry(line: int, column: str, reason: str, detail: str) -> Entry:
        return Entry(line, "", column, Outcome.NOTED, reason, shortened(detail))
