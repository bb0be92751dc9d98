"""What an import keeps comes back as it was."""

import json
from pathlib import Path

import pytest

from ordersaga.importing.report import Outcome
from ordersaga.importing.table import Record
from ordersaga.importing.workspace import Workspace
from tests.unit.ordersaga.importing.shops import read
from workflows.documents.order import parse_document

LINE = {"description": "Lamp \N{SNOWMAN}", "quantity": 2, "unit_price_minor": 250}
SMALL = {"order_id": "A1", "currency": "KWD", "lines": [{**LINE, "kind": "digital"}]}
ADDRESS = {"name": "Ada", "line1": "1 Row", "city": "London", "postal_code": "N1", "country": "GB"}
PART = {"kind": "discount", "amount_minor": -1, "description": "off"}
WHOLE = {
    **SMALL,
    "order_id": None,
    "reference": "no. 7 / \N{SNOWMAN}",
    "customer_id": "C-1",
    "customer": {"email": "ada@example.org"},
    "placed_at": "2026-01-31T14:05:00.000001+01:00",
    "lines": [{**LINE, "line_id": "x", "sku": "L", "adjustments": [PART]}, *SMALL["lines"]],
    "adjustments": [{"kind": "tax", "amount_minor": 1, "included": True}],
    "address": ADDRESS,
    "payment": {
        "token": "tok_visa",
        "capture": "on_shipment",
        "on_decline": {"policy": "ask", "deadline_hours": 5},
    },
    "unavailable": {"policy": "ask", "deadline_hours": 9, "default": "ship_available"},
    "on_outage": {"cancel_after": 60},
    "if_parcel_left": "ship_and_collect",
    "metadata": {"till": "4"},
}


@pytest.mark.parametrize(
    "document",
    [
        WHOLE,
        {**SMALL, "payment": {"confirmed": {"reference": "pi_1"}}, "on_outage": "wait"},
        {**SMALL, "lines": [{**LINE, "kind": "tip", "unit_price_minor": 0}]},
    ],
)
def test_an_order_with_everything_that_a_document_can_hold(
    tmp_path: Path, document: dict[str, object]
) -> None:
    (order,) = read(tmp_path, json.dumps(document)).orders
    assert order.document == parse_document(document, None)
    assert order.lines == (1,)


def test_lines_by_order_with_their_values_and_what_is_wrong_with_them() -> None:
    workspace = Workspace()
    records = [
        Record(1, {"a": "x", "b": ""}),
        Record(2, {"a": "", "b": ""}, "is short"),
        Record(5, {"a": "y z", "b": "\N{SNOWMAN}"}),
        Record(6, {"a": "", "b": "1"}),
    ]
    workspace.add_lines(zip(["first", "", "first", ""], records, strict=True))
    assert list(workspace.orders_of_lines()) == [
        [records[0], records[2]],
        [records[1]],
        [records[3]],
    ]
    assert (workspace.count_lines(), workspace.count_entries(Outcome.REFUSED)) == (4, {})
    workspace.close()
