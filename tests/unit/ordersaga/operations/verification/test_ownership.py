"""Records of somebody else are shown and count nowhere; an odd one hides no other."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from activities.keys import OrderKeys
from activities.payment_port import ProviderPayment
from activities.ports import CarrierLabel, UnclearRecord
from domain.ids import OrderId
from domain.money import Money
from ordersaga.operations.verification.ownership import Ledger, Owner
from ordersaga.operations.verification.report import Rule
from tests.unit.ordersaga.operations.verification.story import (
    BUSY,
    DONE,
    LABELS,
    OURS,
    PAYMENTS,
    STORY,
    TOTAL,
    facts_of,
    label,
    payment,
)

OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
UPPER = OrderId(DONE.upper())
MORE = Money(TOTAL.minor + 1, "GBP")


async def ledger_of(*records: Any) -> Ledger[Any]:
    async def listed() -> AsyncIterator[Any]:
        for record in records:
            yield record

    return await Owner(OURS, facts_of(STORY)).sort(listed())


def theirs(**changes: Any) -> ProviderPayment:
    record = payment(DONE, reference="pay-theirs", installation=OTHER)
    return replace(record, **changes)


@pytest.mark.parametrize(
    ("record", "differs"),
    [
        (theirs(), "installation"),
        (theirs(installation=OURS.upper()), "installation"),
        (theirs(installation=""), "installation"),
        (theirs(order_id=UPPER), "installation and order"),
        (theirs(order_id=OrderId("else")), "installation and order"),
        (theirs(asked=MORE), "installation and amount"),
        (
            theirs(idempotency_key=OrderKeys(OTHER, DONE).payment),
            "installation and key",
        ),
    ],
)
async def test_a_payment_of_somebody_else_under_our_number_or_key_is_shown(
    record: ProviderPayment, differs: str
) -> None:
    ledger = await ledger_of(*PAYMENTS, record)
    [foreign] = ledger.foreign
    assert (foreign.what, foreign.reference, foreign.order_id, foreign.differs) == (
        "payment",
        "pay-theirs",
        DONE,
        differs,
    )
    assert ledger.wrong == []
    assert [one for rows in ledger.own.values() for one in rows] == PAYMENTS


async def test_a_label_of_somebody_else_under_our_number_is_shown() -> None:
    other: CarrierLabel = label(DONE, label_id="label-theirs", installation=OTHER)
    ledger = await ledger_of(*LABELS, other)
    assert [(each.what, each.reference) for each in ledger.foreign] == [("label", "label-theirs")]
    assert [one for rows in ledger.own.values() for one in rows] == LABELS


async def test_the_other_orders_of_another_shop_are_no_affair_of_ours() -> None:
    keys = OrderKeys(OTHER, OrderId("else"))
    ledger = await ledger_of(theirs(order_id=keys.order_id, idempotency_key=keys.payment))
    assert (ledger.foreign, ledger.wrong, dict(ledger.own)) == ([], [], {})


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"asked": MORE}, "another amount"), ({"idempotency_key": "mine"}, "another key")],
)
async def test_a_payment_that_names_us_and_is_not_its_orders_own_is_an_offence(
    changes: dict[str, Any], named: str
) -> None:
    ledger = await ledger_of(payment(DONE, **changes))
    [finding] = ledger.wrong
    assert (finding.rule, finding.subject) == (Rule.PROVIDER_OWN_PAYMENT, DONE)
    assert named in finding.actual
    assert not ledger.own


async def test_an_order_that_has_not_ended_may_have_been_amended_meanwhile() -> None:
    ledger = await ledger_of(payment(BUSY, asked=Money(1, "GBP")))
    assert len(ledger.own[BUSY]) == 1


async def test_a_record_of_ours_under_an_order_that_we_do_not_know_stays_ours() -> None:
    lost = OrderId("lost")
    ledger = await ledger_of(payment(lost), payment(UPPER))
    assert list(ledger.own) == [lost, UPPER]


async def test_an_odd_record_hides_no_other() -> None:
    odd = UnclearRecord("pay-odd", "the payment is processing")
    ledger = await ledger_of(odd, *PAYMENTS)
    assert ledger.unclear == [odd]
    assert [one for rows in ledger.own.values() for one in rows] == PAYMENTS
