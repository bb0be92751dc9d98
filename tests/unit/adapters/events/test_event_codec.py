import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.events.codec import EVENT_CLASSES, JsonEventCodec
from adapters.events.upcasters import BrokenChain, UpcasterChain
from domain.ids import CustomerId, LineId, OrderId, Sku
from domain.lines import Adjustment, AdjustmentKind, LineKind, OrderLine
from domain.money import Money
from domain.order.events import OrderCreated, OrderReserved, OrderSubmitted
from domain.order.terms import CANCEL_AT_ONCE, UnavailablePolicy
from domain.saga.events import FulfillmentClosed
from domain.values import (
    Address,
    CaptureMode,
    Contact,
    Outcome,
    PaymentTerms,
    Reason,
    Redacted,
    Redaction,
)
from eventstore.errors import UndecodableEvent, UnknownEventType
from eventstore.model import JsonObject, Metadata, StoredEvent
from tests.support.sagas.domain_samples import NOON, SUBMITTED

# Samples as the first version stored them. This file is only ever added to: a later version of an
# event class gets a file of its own, and these must stay readable.
V1 = Path(__file__).parents[3] / "data" / "events" / "v1.json"
GOLDEN = json.loads(V1.read_text(encoding="utf-8"))
codec = JsonEventCodec()


def stored(event_type: str, data: JsonObject, schema_version: int = 1) -> StoredEvent:
    return StoredEvent(
        event_id=UUID(int=1),
        stream="order-A1",
        category="order",
        version=7,
        position=7,
        event_type=event_type,
        schema_version=schema_version,
        data=data,
        metadata=Metadata("order-A1", "test", "test"),
        recorded_at=NOON,
        bucket=0,
    )


def through_json(event: Any, used: JsonEventCodec = codec) -> Any:
    encoded = used.encode(event)
    data = json.loads(json.dumps(encoded.data, allow_nan=False))
    return used.decode(stored(encoded.event_type, data, encoded.schema_version))


# --- what was stored stays readable --------------------------------------------------------------


def test_every_event_class_has_a_golden_sample() -> None:
    assert {cls.__name__ for cls in EVENT_CLASSES} == {sample["type"] for sample in GOLDEN}


def test_a_submission_without_an_unavailability_choice_cancels_at_once() -> None:
    samples = [sample["data"] for sample in GOLDEN if sample["type"] == "OrderSubmitted"]
    terms = [codec.decode(stored("OrderSubmitted", data)).unavailable for data in samples]
    assert "unavailable" not in samples[0]
    assert terms[0] == CANCEL_AT_ONCE
    assert (terms[-1].policy, terms[-1].deadline_hours) == (UnavailablePolicy.ASK, 24)


@pytest.mark.parametrize("sample", GOLDEN, ids=lambda sample: str(sample["type"]))
def test_events_of_version_1_stay_readable(sample: dict[str, Any]) -> None:
    event = codec.decode(stored(sample["type"], sample["data"]))
    assert type(event).__name__ == sample["type"]
    encoded = codec.encode(event)
    if encoded.schema_version == 1:  # fields may have come since, each with a default
        assert _holds(encoded.data, sample["data"])


def _holds(new: Any, old: Any) -> bool:
    """Whether all of a stored value is in its new form, at every depth."""
    if isinstance(old, dict):
        return all(name in new and _holds(new[name], value) for name, value in old.items())
    if isinstance(old, list):
        return len(new) == len(old) and all(map(_holds, new, old))
    return bool(new == old)


def test_a_golden_submission_keeps_its_meaning() -> None:
    sample = next(sample for sample in GOLDEN if sample["type"] == "OrderSubmitted")
    address = Address("Zoë Ångström", "1 High Street", "Leeds", "LS1 4AP", "GB")
    lines = (
        OrderLine(LineId("1"), Sku("71053"), "WHITE METAL LANTERN", 6, Money(339, "GBP")),
        OrderLine(
            LineId("2"), Sku("84029E"), "RED WOOLLY HOTTIE WHITE HEART.", 2, Money(150, "GBP")
        ),
    )
    assert codec.decode(stored("OrderSubmitted", sample["data"])) == OrderSubmitted(
        OrderId("536365"),
        CustomerId("17850"),
        lines,
        address,
        Money(2334, "GBP"),
        PaymentTerms("tok_visa", CaptureMode.AUTOMATIC),
    )


# --- the stored form -----------------------------------------------------------------------------

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
MONEY = st.builds(Money, st.integers(-(2**63), 2**63 - 1), st.sampled_from(["GBP", "JPY"]))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=ZONES)  # noqa: DTZ001 # bounds; the zone is drawn
ADDRESSES = st.builds(Address, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT)
ADJUSTMENTS = st.lists(
    st.builds(Adjustment, st.sampled_from(AdjustmentKind), MONEY, st.booleans(), TEXT), max_size=2
).map(tuple)
LINES = st.builds(
    OrderLine,
    TEXT.map(LineId),
    st.none() | TEXT.map(Sku),
    TEXT,
    st.integers(1, 10**6),
    MONEY,
    st.sampled_from(LineKind),
    ADJUSTMENTS,
)
EVENTS = st.one_of(
    st.builds(
        OrderSubmitted,
        TEXT.map(OrderId),
        st.none() | TEXT.map(CustomerId),
        st.lists(LINES, max_size=5).map(tuple),
        st.none() | ADDRESSES,
        MONEY,
        st.none() | st.builds(PaymentTerms, TEXT, st.sampled_from(CaptureMode)),
        adjustments=ADJUSTMENTS,
        customer=st.none() | st.builds(Contact, TEXT),
        metadata=st.dictionaries(TEXT, TEXT, max_size=2),
    ),
    st.builds(OrderCreated, TEXT.map(OrderId), st.none(), st.just("GBP"), MOMENTS),
    st.builds(FulfillmentClosed, st.sampled_from(Outcome), st.sampled_from(Reason), TEXT),
    st.just(OrderReserved()),
)


@given(EVENTS)
def test_an_encoded_event_decodes_to_the_same_event(event: Any) -> None:
    read = through_json(event)
    assert read == event
    assert type(read) is type(event)


def plain(value: Any) -> bool:
    """Whether a value consists only of the JSON types that may be stored."""
    if isinstance(value, dict):
        return all(type(key) is str and plain(part) for key, part in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    return value is None or type(value) in (str, int, bool)


@given(EVENTS)
def test_only_plain_json_without_floats_is_stored(event: Any) -> None:
    assert plain(codec.encode(event).data)


def test_times_are_stored_as_iso_8601_with_their_offset() -> None:
    eastern = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=-5)))
    for moment in (eastern, datetime(2026, 1, 31, tzinfo=UTC)):
        data = codec.encode(OrderCreated(OrderId("A1"), None, "GBP", moment)).data
        assert datetime.fromisoformat(data["placed_at"]) == moment
        assert data["placed_at"].endswith(("Z", "-05:00"))


def test_every_field_is_stored_under_its_name() -> None:
    data = codec.encode(SUBMITTED).data
    assert data["total"] == {"minor": 2034, "currency": "GBP"}
    on_decline = {"policy": "cancel", "deadline_hours": 72}
    payment = {"token": "tok_visa", "capture": "automatic", "on_decline": on_decline}
    assert data["payment"] == {**payment, "confirmed": None}
    content = {"order_id", "customer_id", "lines", "adjustments", "address", "total", "payment"}
    terms = {"unavailable", "on_outage", "if_left"}
    assert set(data) == content | terms | {"customer", "metadata", "country"}


# --- what does not fit ---------------------------------------------------------------------------


@pytest.mark.parametrize(("event_type", "version"), [("OrderEaten", 1), ("OrderReserved", 2)])
def test_an_unknown_type_or_version_is_refused_by_name(event_type: str, version: int) -> None:
    with pytest.raises(UnknownEventType) as refusal:
        codec.decode(stored(event_type, {}, version))
    assert (refusal.value.event_type, refusal.value.schema_version) == (event_type, version)


def test_only_events_are_encoded() -> None:
    with pytest.raises(UnknownEventType, match="Money"):
        codec.encode(Money(1, "GBP"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"total": {"minor": 1.5, "currency": "GBP"}}, "total.minor"),
        ({"total": {"minor": 1.0, "currency": "GBP"}}, "total.minor"),
        ({"total": {"minor": "1", "currency": "GBP"}}, "total.minor"),
        ({"total": {"minor": True, "currency": "GBP"}}, "total.minor"),
        ({"total": {"minor": 1, "currency": "pounds"}}, "currency"),
        ({"lines": None}, "lines"),
        ({"address": {"name": "Ann Example"}}, "address.city"),
        ({"payment": {"token": "tok_visa", "capture": "never"}}, "payment.capture"),
    ],
)
def test_an_error_about_damaged_data_names_fields_but_no_values(
    change: dict[str, Any], problem: str
) -> None:
    data = {**codec.encode(SUBMITTED).data, **change}
    with pytest.raises(UndecodableEvent) as refusal:
        codec.decode(stored("OrderSubmitted", data))
    error = refusal.value
    assert problem in error.problems
    assert (error.stream, error.version, error.event_type) == ("order-A1", 7, "OrderSubmitted")
    assert (error.__cause__, error.__context__) == (None, None)
    for secret in ("Ann", "tok_visa"):
        assert secret not in str(error)


# --- upcasting -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Greeted:
    """An event type with three schema versions."""

    name: str
    times: int
    politely: bool


def count_once(data: JsonObject) -> JsonObject:
    return {**data, "times": 1}


def spell_out(data: JsonObject) -> JsonObject:
    return {"name": data["who"], "times": data["times"], "politely": True}


STEPS = {("Greeted", 1): count_once, ("Greeted", 2): spell_out}
greetings = JsonEventCodec([Greeted], UpcasterChain(["Greeted"], STEPS, {"Hailed": "Greeted"}))


@pytest.mark.parametrize(
    ("event_type", "version", "data", "event"),
    [
        ("Greeted", 1, {"who": "Ann"}, Greeted("Ann", 1, politely=True)),
        ("Greeted", 2, {"who": "Ann", "times": 2}, Greeted("Ann", 2, politely=True)),
        (
            "Greeted",
            3,
            {"name": "Ann", "times": 3, "politely": False},
            Greeted("Ann", 3, politely=False),
        ),
        ("Hailed", 1, {"who": "Ann"}, Greeted("Ann", 1, politely=True)),
    ],
)
def test_every_older_form_becomes_the_current_one(
    event_type: str, version: int, data: JsonObject, event: Greeted
) -> None:
    kept = dict(data)
    assert greetings.decode(stored(event_type, data, version)) == event
    assert data == kept


def test_the_current_form_is_written() -> None:
    encoded = greetings.encode(Greeted("Ann", 1, politely=True))
    assert (encoded.event_type, encoded.schema_version) == ("Greeted", 3)
    assert through_json(Greeted("Ann", 1, politely=True), greetings).name == "Ann"


@pytest.mark.parametrize("version", [0, -1, 4])
def test_a_version_that_does_not_exist_is_refused(version: int) -> None:
    with pytest.raises(UnknownEventType):
        greetings.decode(stored("Greeted", {}, version))


@pytest.mark.parametrize(
    ("upcasters", "renamed"),
    [
        ({("Greeted", 2): spell_out}, {}),
        ({("Greeted", 1): count_once, ("Greeted", 3): spell_out}, {}),
        ({("Greeted", 0): count_once}, {}),
        ({("Parted", 1): count_once}, {}),
        ({}, {"Hailed": "Parted"}),
        ({}, {"Greeted": "Greeted"}),
    ],
)
def test_a_broken_chain_is_refused_at_start(upcasters: Any, renamed: dict[str, str]) -> None:
    with pytest.raises(BrokenChain):
        UpcasterChain(["Greeted"], upcasters, renamed)


# --- redacted values -----------------------------------------------------------------------------


@pytest.mark.parametrize("why", Redaction)
def test_a_redacted_value_decodes_as_redacted_not_as_an_address(why: Redaction) -> None:
    hidden = {"redacted": why.value}
    data = {**codec.encode(SUBMITTED).data, "address": hidden}
    data["payment"] = {**data["payment"], "token": hidden}
    event = codec.decode(stored("OrderSubmitted", data))
    assert (event.address, event.payment.token) == (Redacted(why), Redacted(why))
    assert event.lines == SUBMITTED.lines


def test_a_sealed_value_cannot_be_decoded() -> None:
    data = {**codec.encode(SUBMITTED).data, "address": {"$sealed": "1:0:secret"}}
    with pytest.raises(UndecodableEvent, match=r"address\.name: missing") as refusal:
        codec.decode(stored("OrderSubmitted", data))
    assert "secret" not in str(refusal.value)
