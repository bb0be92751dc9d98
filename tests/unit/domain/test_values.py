import pytest

from domain.errors import InvalidValue
from domain.ids import OrderId, parse_order_id, streams_of_order
from domain.values import CaptureMode, PaymentTerms
from tests.support.sagas.domain_samples import CARD, LEEDS, SUBMITTED


def test_the_text_of_an_address_shows_no_personal_data() -> None:
    for shown in (repr(LEEDS), str(LEEDS), f"{SUBMITTED}"):
        for secret in ("Ann", "High Street", "Leeds", "LS1"):
            assert secret not in shown
    assert "GB" in repr(LEEDS)


def test_the_text_of_payment_terms_shows_no_token() -> None:
    for shown in (repr(CARD), str(CARD), f"{SUBMITTED}"):
        assert "tok_visa" not in shown
    assert "on_shipment" in repr(PaymentTerms("tok_visa", CaptureMode.ON_SHIPMENT))


@pytest.mark.parametrize("raw", ["", " ", "-a", "a b", "a/b", "a" * 65, "ä", "a\n", "'; DROP--"])
def test_an_id_is_plain_text_that_fits_a_stream_name(raw: str) -> None:
    with pytest.raises(InvalidValue, match="order_id"):
        parse_order_id(raw)


def test_the_streams_of_an_order() -> None:
    assert parse_order_id("A1") == "A1"
    assert streams_of_order(OrderId("A1")) == (
        "order-A1",
        "payment-A1",
        "shipment-A1",
        "fulfillment-A1",
        "returns-A1",
    )
