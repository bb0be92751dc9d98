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
from domain.ids import CustomerId, LineId, OrderId, Sku
from domain.lines import Adjustment, AdjustmentKind, LineKind
from domain.money import Money
from domain.order import decisions, state
from domain.order.commands import (
    AddItem,
    CreateOrder,
    OrderCommand,
    SetAddress,
    SetAdjustments,
    SubmitOrder,
)
from domain.order.events import OrderEvent
from domain.order.evolution import evolve
from domain.order.terms import DeadlineDefault, UnavailablePolicy, UnavailableTerms
from domain.values import Address, CaptureMode, Contact, PaymentTerms
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


_EMAILS = _mostly(st.sampled_from(["ada@example.org", " ü@example.org"]), _WORDS)


def _adjustments() -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["discount", "tax", "gift_card"]),
            "amount_minor": _mostly(st.integers(-2, 0), st.integers(-9, 9) | _NUMBERS),
            "included": _mostly(st.just(False), st.just(True)),
            "description": _mostly(st.just(" spring sale"), _WORDS),
        }
    )
    return st.lists(one, max_size=2)


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Any]:
    """An order document in which any value may be wrong, though most are right."""
    address = {part: draw(_TEXTS) for part in ("name", "line1", "city", "line2", "region")}
    address["postal_code"] = draw(_mostly(st.sampled_from(["LS1 4AP", " 1"]), st.just("") | _WORDS))
    address["country"] = draw(_mostly(_COUNTRIES, _CODES))
    lines = [
        {
            "line_id": f"line-{number}",
            "kind": draw(_mostly(st.just("goods"), st.sampled_from([*LineKind]))),
            "sku": draw(_IDS),
            "description": draw(_TEXTS),
            "quantity": draw(_mostly(st.integers(1, 3), _NUMBERS)),
            "unit_price_minor": draw(_mostly(st.just(5), _NUMBERS)),
            "adjustments": draw(_adjustments()),
        }
        for number in range(draw(st.sampled_from([1, 2, 3, 0])))
    ]
    return {
        "order_id": draw(_IDS),
        "customer_id": draw(_IDS | st.none()),
        "currency": draw(_mostly(_CURRENCIES, _CODES)),
        "placed_at": draw(_mostly(_THIS_CENTURY, _TIMES)).isoformat(),
        "reference": draw(_mostly(st.sampled_from(["#1001", " A/1 "]), _WORDS)),
        "customer": draw(st.none() | st.fixed_dictionaries({"email": _EMAILS})),
        "metadata": draw(st.dictionaries(st.sampled_from(["a", "b", ""]), _TEXTS, max_size=2)),
        "adjustments": draw(_adjustments()),
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
            content["reference"],
        ),
        *(
            AddItem(
                Sku(line["sku"]),
                line["description"],
                line["quantity"],
                Money(line["unit_price_minor"], currency),
                LineKind(line["kind"]),
                _domain_adjustments(line["adjustments"], currency),
                LineId(line["line_id"]),
            )
            for line in content["lines"]
        ),
        SetAdjustments(_domain_adjustments(content["adjustments"], currency)),
        SetAddress(Address(**content["address"])),
        SubmitOrder(
            PaymentTerms(content["payment"]["token"], content["payment"]["capture"]),
            UnavailableTerms(terms["policy"], terms["deadline_hours"], terms["default"]),
            customer=content["customer"] and Contact(content["customer"]["email"]),
            metadata=content["metadata"],
        ),
    ]


def _domain_adjustments(listed: list[dict[str, Any]], currency: str) -> tuple[Adjustment, ...]:
    return tuple(
        Adjustment(
            AdjustmentKind(one["kind"]),
            Money(one["amount_minor"], currency),
            one["included"],
            one["description"],
        )
        for one in listed
    )


def _by_commands(content: dict[str, Any]) -> tuple[OrderEvent, ...] | None:
    order, events = state.INITIAL, []
    try:
        for command in _commands(content):
            decided = decisions.decide(command, order)
            order = reduce(evolve, decided, order)
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
        order = reduce(evolve, decide_intake(document, state.INITIAL), state.INITIAL)
        assert _read(document_to_json(document)) == document
        assert decide_intake(document, order) == ()
