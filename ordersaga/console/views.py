"""Views of the list of orders: those that everybody needs, and those that a reader keeps."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from fastapi import Request

VIEWS: Final = "ordersaga_views"
MOST: Final = 8
LONGEST_NAME: Final = 30
_LONGEST_QUERY: Final = 300
_CURSOR: Final = "cursor"


@dataclass(frozen=True, slots=True)
class View:
    """Filters under a name; `query` is that of the address."""

    name: str
    query: str


USUAL: Final = (
    View("All", ""),
    View("Need a person", "needs_attention=true"),
    View("Wait for stock", "status=backordered"),
    View("In work", "status=processing"),
    View("Declined", "reason=payment_declined"),
)


def normal(query: str) -> str:
    """The filters of a query, without its page and in one order."""
    pairs = [(name, value) for name, value in parse_qsl(query) if name != _CURSOR]
    return urlencode(sorted(pairs))


def kept_views(request: Request) -> list[View]:
    """The views that this browser keeps; whatever else the cookie holds is none."""
    text = request.cookies.get(VIEWS, "")
    try:
        pairs = json.loads(base64.urlsafe_b64decode(text.encode()))
        return [View(str(name)[:LONGEST_NAME], normal(str(query))) for name, query in pairs][:MOST]
    except (ValueError, TypeError, binascii.Error):
        return []


def with_view(views: list[View], view: View) -> list[View]:
    """The views with one more, or with another one under its name; the oldest makes room."""
    others = [each for each in views if each.name != view.name]
    return [*others, View(view.name[:LONGEST_NAME], normal(view.query)[:_LONGEST_QUERY])][-MOST:]


def cookie_of(views: list[View]) -> str:
    """The value of the cookie that keeps them."""
    pairs = [[each.name, each.query] for each in views]
    return base64.urlsafe_b64encode(json.dumps(pairs).encode()).decode()
