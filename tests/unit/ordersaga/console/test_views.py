"""Views of the list of orders are kept in a cookie; whatever else it holds is no view."""

from typing import Any

import pytest
from fastapi import Request

from ordersaga.console.views import (
    LONGEST_NAME,
    MOST,
    VIEWS,
    View,
    cookie_of,
    kept_views,
    normal,
    with_view,
)


def request_with(cookie: str) -> Request:
    headers: list[Any] = [(b"cookie", f"{VIEWS}={cookie}".encode())]
    return Request({"type": "http", "headers": headers})


def test_a_view_that_is_kept_is_there_again() -> None:
    views = with_view([], View("Mine", "status=completed&cursor=abc"))
    assert kept_views(request_with(cookie_of(views))) == [View("Mine", "status=completed")]


def test_the_same_filters_in_another_order_are_the_same_view() -> None:
    assert normal("b=2&a=1&cursor=x") == normal("a=1&b=2")


def test_a_name_is_used_once_and_the_oldest_makes_room() -> None:
    views: list[View] = []
    for number in range(MOST + 3):
        views = with_view(views, View(f"view {number}", "status=completed"))
    assert [view.name for view in views] == [f"view {number}" for number in range(3, MOST + 3)]
    assert len(with_view(views, View("view 5", ""))) == MOST


def test_a_long_name_is_cut() -> None:
    assert with_view([], View("x" * 200, ""))[0].name == "x" * LONGEST_NAME


@pytest.mark.parametrize("cookie", ["", "nonsense", "bnVsbA==", "W1sxXV0=", "eyJhIjogMX0=", "a=b"])
def test_anything_else_is_no_view(cookie: str) -> None:
    assert kept_views(request_with(cookie)) == []
