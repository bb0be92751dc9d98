"""What the domain takes the document takes, in the same normal form; and the other way round."""

from datetime import datetime, timedelta, timezone
from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from activities.messages import OrderDocument
from activities.orders.intake import decide_intake
from domain.codes import COUNTRIES, CURRENCIES
from domain.errors import DomainError
from domain.ids import CustomerId, OrderId, Sku
from domain.money import Money
from domain.order import decisions, state
from domain.order.commands import AddItem, CreateOrder, OrderCommand, SetAddress, SubmitOrder
from domain.order.events import OrderEvent
from domain.order.unavailable import DeadlineDefault, UnavailablePolicy, UnavailableTerms
from domain.values import Address, CaptureMode, PaymentTerms
from tests.support.sagas.hostile import TEXTS
from workflows.documents.order import document_to_json, parse_document
from workflows.documents.validation import InvalidDocument

_ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_TIMES = st.datetimes(timezones=_ZONES)
_THIS_CENTURY = _TIMES.map(lambda time: time.replace(year=2001 + time.year % 99, day=1))
_COUNTRIES = st.sampled_from(sorted(COUNTRIES))
_CURRENCIES = st.sampled_from(sorted(CURRENCIES))
_WORDS = st.sampled_from([*TEXTS, "x" * 121, "two words"]) | st.text(max_size=30)
_NUMBERS = st.sampled_from([0, -1, 10**6, 10**6 + 1, 10**15, 10**15 + 1, 2**63])
_CODES = st.sampled_from(["gbp", "QQQ", "XAU", " GBP", "", "UK", "zz"])


def _mostly(good: st.SearchStrategy[Any], others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 24).flatmap(lambda number: others if number == 0 else good)


_TEXTS = _mostly(st.sampled_from(["Ann Example", " Ann ", "王小明", "x" * 20]), _WORDS)
_TOKENS = _mostly(st.sampled_from(["tok_visa", "tok_visa\t"]), _WORDS)
_IDS = _mostly(st.sampled_from(["A1", "B2"]), st.sampled_from(["a b", "", "x" * 65]))


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Any]:
    """An order document in which any value may be wrong, though most are right."""
    address = {part: draw(_TEXTS) for part in ("name", "line1", "city", "line2", "region")}
    address["postal_code"] = draw(_mostly(st.sampled_from(["LS1 4AP", " 1"]), st.just("") | _WORDS))
    address["country"] = draw(_mostly(_COUNTRIES, _CODES))
    lines = [
        {
            "sku": draw(_IDS),
            "description": draw(_TEXTS),
            "quantity": draw(_mostly(st.integers(1, 3), _NUMBERS)),
            "unit_price_minor": draw(_mostly(st.just(5), _NUMBERS)),
        }
        for _ in range(draw(st.sampled_from([1, 2, 3, 0])))
    ]
    return {
        "order_id": draw(_IDS),
        "customer_id": draw(_IDS | st.none()),
        "currency": draw(_mostly(_CURRENCIES, _CODES)),
        "placed_at": draw(_mostly(_THIS_CENTURY, _TIMES)).isoformat(),
        "lines": lines,
        "address": address,
        "payment": {"token": draw(_TOKENS), "capture": draw(st.sampled_from([*CaptureMode]))},
        "unavailable": {
            "policy": draw(st.sampled_from([*UnavailablePolicy])),
            "deadline_hours": draw(_mostly(st.integers(1, 2_160), st.sampled_from([0, 2_161]))),
            "default": draw(st.sampled_from([*DeadlineDefault])),
        },
    }


def _commands(content: dict[str, Any]) -> list[OrderCommand]:
    """What a person would type to place the order."""
    customer, currency = content["customer_id"], content["currency"]
    terms = content["unavailable"]
    return [
        CreateOrder(
            OrderId(content["order_id"]),
            None if customer is None else CustomerId(customer),
            currency,
            datetime.fromisoformat(content["placed_at"]),
        ),
        *(
            AddItem(
                Sku(line["sku"]),
                line["description"],
                line["quantity"],
                Money(line["unit_price_minor"], currency),
            )
            for line in content["lines"]
        ),
        SetAddress(Address(**content["address"])),
        SubmitOrder(
            PaymentTerms(content["payment"]["token"], content["payment"]["capture"]),
            UnavailableTerms(terms["policy"], terms["deadline_hours"], terms["default"]),
        ),
    ]


def _by_commands(content: dict[str, Any]) -> tuple[OrderEvent, ...] | None:
    order, events = state.INITIAL, []
    try:
        for command in _commands(content):
            decided = decisions.decide(command, order)
            order = reduce(state.evolve, decided, order)
            events += decided
    except DomainError:
        return None
    return tuple(events)


def _read(content: dict[str, Any]) -> OrderDocument | None:
    try:
        return parse_document(content, f"order-{content['order_id']}")
    except InvalidDocument:
        return None


@given(contents())
def test_the_domain_takes_what_the_document_takes_in_the_same_normal_form(
    content: dict[str, Any],
) -> None:
    document, expected = _read(content), _by_commands(content)
    assert (document is None) == (expected is None)
    if document is not None:
        assert decide_intake(document, state.INITIAL) == expected


@given(contents())
def test_an_order_becomes_the_document_that_it_came_from(content: dict[str, Any]) -> None:
    document = _read(content)
    if document is not None:
        order = reduce(state.evolve, decide_intake(document, state.INITIAL), state.INITIAL)
        assert _read(document_to_json(document)) == document
        assert decide_intake(document, order) == ()
