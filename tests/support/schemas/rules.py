"""The rules of documents that JSON Schema cannot say; docs/schemas.md lists them by these names.

Each rule is a function of a document that its schema takes, and says whether the rule holds. It is
stated here anew, so that the parsers are compared with something else than themselves.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tests.support.schemas.form import Json

_MOST: Final = 10**15
_MOST_PIECES: Final = 1_000_000
_LONGEST_OUTAGE_S: Final = 90 * 24 * 3600
_SECONDS: Final = {"W": 7 * 86_400, "D": 86_400, "H": 3_600, "M": 60, "S": 1}
_TEXTS: Final = frozenset(
    {"reference", "description", "name", "line1", "line2", "city", "region", "postal_code"}
    | {"actor", "reason", "note", "email"}
)
_TIMES: Final = frozenset({"placed_at", "at"})


def _values(part: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a document with the name of its field; not the shop's own metadata."""
    yield name, part
    if isinstance(part, list):
        for each in part:
            yield from _values(each, name)
    if isinstance(part, dict):
        for key, value in part.items():
            if key != "metadata":
                yield from _values(value, key)


def _is_visible(text: str) -> bool:
    shown = (each for each in text if each not in "\u115f\u1160\u2800\u3164\uffa0")
    return any(unicodedata.category(each)[0] in "LNPS" for each in shown)


def whole_numbers(document: Json) -> bool:
    """A whole number is written without a decimal point."""
    return not any(isinstance(value, float) for _, value in _values(document))


def visible_text(document: Json) -> bool:
    """A text that is not empty has a visible character."""
    texts = (value for name, value in _values(document) if name in _TEXTS)
    return all(_is_visible(text) for text in texts if isinstance(text, str) and text.strip())


def moment(document: Json) -> bool:
    """A time is one of the calendar, and from 2000 to 2100."""
    return all(
        _is_moment(value)
        for name, value in _values(document)
        if name in _TIMES and isinstance(value, str)
    )


def _is_moment(text: str) -> bool:
    try:
        time = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return datetime(2000, 1, 1, tzinfo=UTC) <= time <= datetime(2100, 1, 1, tzinfo=UTC)


def outage(document: Json) -> bool:
    """`cancel_after` is at least a second and at most 90 days."""
    on_outage = document.get("on_outage")
    after = on_outage.get("cancel_after") if isinstance(on_outage, dict) else None
    if not isinstance(after, str):
        return True
    parts = re.findall("([0-9]+)([WDHMS])", after)
    return 1 <= sum(int(n) * _SECONDS[unit] for n, unit in parts) <= _LONGEST_OUTAGE_S


def line_ids(document: Json) -> bool:
    """No two lines have the same id; a line without one has its number."""
    ids = [line.get("line_id") or str(n) for n, line in enumerate(_lines(document), start=1)]
    return len(set(ids)) == len(ids)


def pieces_of_a_sku(document: Json) -> bool:
    """All lines of goods with the same SKU together have at most 1,000,000 pieces."""
    pieces: Counter[str] = Counter()
    for line in _lines(document):
        if line.get("kind", "goods") == "goods":
            pieces[line["sku"]] += line["quantity"]
    return all(count <= _MOST_PIECES for count in pieces.values())


def line_sum(document: Json) -> bool:
    """A line and its own adjustments cost at least 0."""
    return all(_sum(line) >= 0 for line in _lines(document))


def total(document: Json) -> bool:
    """All lines and adjustments together cost from 0 to 10^15 minor units."""
    return not _lines(document) or 0 <= _total(document) <= _MOST


def stated_total(document: Json) -> bool:
    """`total_minor`, if given, is that sum."""
    return document.get("total_minor") is None or document["total_minor"] == _total(document)


def payment(document: Json) -> bool:
    """An order that costs something has a `payment`."""
    return not _lines(document) or document.get("payment") is not None or _total(document) <= 0


def _lines(document: Json) -> list[Json]:
    """The lines of an order document; none of another one."""
    return document["lines"] if "currency" in document else []


def _sum(line: Json) -> int:
    return int(line["quantity"] * line["unit_price_minor"]) + _adjusted(line)


def _adjusted(part: Json) -> int:
    return sum(
        each["amount_minor"]
        for each in part.get("adjustments", ())
        if not each.get("included", False)
    )


def _total(document: Json) -> int:
    return sum(map(_sum, _lines(document))) + _adjusted(document)


RULES: Final[Mapping[str, Callable[[Json], bool]]] = {
    rule.__name__: rule
    for rule in (
        whole_numbers,
        visible_text,
        moment,
        outage,
        line_ids,
        pieces_of_a_sku,
        line_sum,
        total,
        stated_total,
        payment,
    )
}
OF_THE_TEXT: Final = ("json_text",)
"""One JSON text in UTF-8, no name twice in an object, not longer than the limit."""
OF_THE_WORKFLOW: Final = ("workflow_id",)
"""The id of the workflow is that of the document."""
