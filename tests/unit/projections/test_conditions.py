"""A list has the conditions that are asked for, and no other."""

import re
from pathlib import Path

import pytest

from projections.conditions import with_conditions
from tests.support.repository.source_tree import files, name_of, shipped_packages, text_of

QUERY = """\
SELECT * FROM orders
WHERE true
  -- if status
  AND status = {value}
  -- if status is new
  AND NOT EXISTS (SELECT FROM events
                  WHERE events.order_id = orders.order_id)
  -- if begins_with
  AND (order_id LIKE {value} OR reference LIKE {value})
  -- if open_only
  AND closed_at IS NULL
  -- if after
  AND (placed_at, order_id) < ({value}, {value})
ORDER BY placed_at
LIMIT {value}
"""
WITH_CONDITIONS = [
    path
    for package in shipped_packages()
    for path in files(".sql", under=package)
    if "-- if " in text_of(path)
]


def test_without_conditions_only_the_number_of_rows_is_left() -> None:
    text, values = with_conditions(QUERY, {"status": None})
    assert text == "SELECT * FROM orders\nWHERE true\nORDER BY placed_at\nLIMIT $1\n"
    assert values == []


def test_places_are_numbered_in_their_order() -> None:
    wanted = {"after": (5, "A1"), "status": "done", "begins_with": "A%", "open_only": True}
    text, values = with_conditions(QUERY, wanted)
    assert values == ["done", "A%", "A%", 5, "A1"]
    assert re.findall(r"\$\d", text) == ["$1", "$2", "$3", "$4", "$5", "$6"]
    assert "closed_at IS NULL" in text
    assert "EXISTS" not in text


def test_a_value_may_have_a_condition_of_its_own() -> None:
    text, values = with_conditions(QUERY, {"status": "new"})
    assert "NOT EXISTS (SELECT FROM events\n                  WHERE events.order_id" in text
    assert "status =" not in text
    assert values == []


def test_a_filter_without_a_condition_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError, match="staus"):
        with_conditions(QUERY, {"staus": "new"})


@pytest.mark.parametrize("path", WITH_CONDITIONS, ids=name_of)
def test_a_list_without_filters_has_one_place_and_no_condition(path: Path) -> None:
    text, values = with_conditions(text_of(path), {})
    assert (text.count("$1"), values) == (1, [])
    assert "-- if" not in text


def test_there_are_lists_with_conditions() -> None:
    assert len(WITH_CONDITIONS) > 8
