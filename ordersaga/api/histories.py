"""What clients kept from a history that the database does not have any more is recognised."""

from dataclasses import replace
from typing import Any, Final

from ordersaga.api.problems import OTHER_HISTORY, Problem
from ordersaga.installation.history import Histories
from projections.errors import InvalidCursor
from projections.paging import Page

_MARK: Final = "."


def require_present(histories: Histories, position: int) -> None:
    """Refuse a position of the feed that was given up when another history began.

    Raises:
        Problem: other_history.
    """
    if history := histories.that_lost(position):
        raise Problem(
            OTHER_HISTORY,
            f"history {history.number} began at {history.at:%Y-%m-%d %H:%M:%S} UTC and knows of "
            f"what was before only up to position {history.known_up_to}: go on after that one",
        )


def in_history(histories: Histories, page: Page[Any]) -> Page[Any]:
    """A page whose cursor says of which history it is."""
    if page.next_cursor is None:
        return page
    return replace(page, next_cursor=f"{histories.number}{_MARK}{page.next_cursor}")


def cursor_of(histories: Histories, cursor: str | None) -> str | None:
    """The cursor of a page of the present history.

    Raises:
        InvalidCursor: it is not one of ours.
        Problem: other_history.
    """
    if cursor is None:
        return None
    number, mark, bare = cursor.partition(_MARK)
    if not mark or not (number.isascii() and number.isdigit()):
        raise InvalidCursor
    if number != str(histories.number):
        raise Problem(OTHER_HISTORY, "the cursor is of another history: list from the beginning")
    return bare
