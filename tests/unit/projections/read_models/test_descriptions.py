"""Every event has a description in one line, without personal data."""

from typing import get_args

from domain import events as domain_events
from domain.ids import CustomerId, LineId, OrderId, Sku
from domain.lines import OrderLine
from domain.order import events as order_events
from domain.saga import events as saga_events
from domain.values import PaymentTerms
from projections.read_models.descriptions import _LINES, describe_event
from projections.read_models.order_history import model as order_history
from projections.registry import ALL
from tests.support.stores.read_models import ADDRESS, SECRET_NAME, gbp


def test_every_event_class_has_a_description() -> None:
    assert set(_LINES) == set(get_args(domain_events.Event))


def test_lines_hold_neither_address_nor_payment_token() -> None:
    line = OrderLine(LineId("1"), Sku("71053"), "LANTERN", 6, gbp(339))
    submitted = order_events.OrderSubmitted(
        OrderId("A1"), CustomerId("17850"), (line,), ADDRESS, gbp(2034), PaymentTerms("tok_secret")
    )
    lines = [describe_event(submitted), describe_event(order_events.AddressSet(ADDRESS))]
    lines.append(describe_event(order_events.DeliveryAddressChanged(ADDRESS)))
    assert lines[0] == "order submitted: 1 line, 6 pieces, 20.34 GBP"
    for secret in (SECRET_NAME, "Hidden Lane", "LS99", "tok_secret"):
        assert secret not in " ".join(lines)


def test_a_long_note_with_line_breaks_becomes_one_short_line() -> None:
    line = describe_event(saga_events.OperatorActed("grace", "retry", "first\nsecond " + "x" * 500))
    assert line.startswith("grace did retry: first second xxx")
    assert len(line) == 200
    assert "\n" not in line


def test_the_history_handles_every_event_that_belongs_to_an_order() -> None:
    every = {event.__name__ for event in get_args(domain_events.Event)}
    others = {"StockReceived", "StockAdjusted", "CustomerErased", "OrderRequested"}
    assert every - order_history.PROJECTION.handles == others


def test_projections_handle_only_domain_types_and_have_unique_names() -> None:
    every = {event.__name__ for event in get_args(domain_events.Event)}
    assert all(projection.handles <= every for projection in ALL)
    assert len({projection.name for projection in ALL}) == len(ALL)
    tables = [table for projection in ALL for table in projection.tables]
    assert len(set(tables)) == len(tables)
