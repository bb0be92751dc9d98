"""Whether a record is an order's own: every combination of what can differ."""

from itertools import product

import pytest

from activities.identity import Aspect, Claim, differences, require_own
from activities.keys import OrderKeys
from activities.ports import Identity, NotOurs
from domain.ids import OrderId, ReturnId
from domain.money import Money

OURS, OTHER = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
A1 = OrderId("A1")
KEY = OrderKeys(OURS, A1).payment
PAID, LESS = Money(300, "GBP"), Money(150, "GBP")
CLAIM = Claim(OURS, A1, KEY, (PAID, LESS))
EVERY = list(product((True, False), repeat=len(Aspect)))


def record(agrees: dict[Aspect, bool]) -> Identity:
    """A record that differs from the claim in some aspects; a letter's case is enough."""
    return Identity(
        OURS if agrees[Aspect.INSTALLATION] else OURS.upper(),
        A1 if agrees[Aspect.ORDER] else "a1",
        KEY if agrees[Aspect.KEY] else KEY.lower(),
        Money(300 if agrees[Aspect.AMOUNT] else 299, "GBP" if agrees[Aspect.CURRENCY] else "EUR"),
    )


@pytest.mark.parametrize("combination", EVERY, ids=str)
def test_a_record_is_our_own_only_if_everything_agrees(combination: tuple[bool, ...]) -> None:
    agrees = dict(zip(Aspect, combination, strict=True))
    found = record(agrees)
    expected = tuple(aspect for aspect in Aspect if not agrees[aspect])
    assert differences(found, CLAIM) == expected
    if all(combination):
        require_own("payment", "pay_1", found, CLAIM)
        return
    with pytest.raises(NotOurs, match="payment pay_1 ") as refused:
        require_own("payment", "pay_1", found, CLAIM)
    assert all(aspect.value in str(refused.value).partition("another ")[2] for aspect in expected)


@pytest.mark.parametrize("other", [OTHER, "", OURS + " ", "shop"])
def test_another_installation_is_another_one(other: str) -> None:
    found = Identity(other, A1, KEY, PAID)
    assert differences(found, CLAIM) == (Aspect.INSTALLATION,)


@pytest.mark.parametrize("amount", [PAID, LESS])
def test_every_amount_that_the_order_has_cost_is_its_own(amount: Money) -> None:
    assert differences(Identity(OURS, A1, KEY, amount), CLAIM) == ()


def test_a_label_has_no_amount() -> None:
    claim = Claim(OURS, A1, KEY)
    assert differences(Identity(OURS, A1, KEY), claim) == ()
    assert differences(Identity(OURS, A1, KEY, PAID), claim) == (Aspect.CURRENCY, Aspect.AMOUNT)
    assert differences(Identity(OTHER, A1, KEY), claim) == (Aspect.INSTALLATION,)


def test_no_text_is_longer_than_people_read() -> None:
    with pytest.raises(NotOurs) as refused:
        require_own("payment", "x" * 5000, Identity(OTHER, A1, KEY, PAID), CLAIM)
    assert len(str(refused.value)) < 300


def test_the_keys_of_an_order_differ_from_one_another_and_from_those_of_others() -> None:
    def keys(installation: str, order_id: str) -> list[str]:
        own = OrderKeys(installation, OrderId(order_id))
        single = [own.refund, own.cancel_label]
        money = [own.amendment_refund(PAID), own.return_refund(ReturnId("R1"))]
        payments = [own.payment, own.payment_after(own.payment)]
        payments.append(own.payment_after(payments[-1]))
        return [*payments, *own.labels, *single, *money]

    every = [*keys(OURS, "A1"), *keys(OURS, "a1"), *keys(OTHER, "A1")]
    assert len(every) == len(set(every))


@pytest.mark.parametrize(
    ("key", "is_ours"),
    [
        (KEY, True),
        (f"{KEY}-2", True),
        (f"{KEY}-137", True),
        (f"{KEY}-0", False),
        (f"{KEY}-02", False),
        (f"{KEY}-", False),
        (f"{KEY}-²", False),
        (f"{KEY}x-2", False),
        (KEY.upper(), False),
        (OrderKeys(OTHER, A1).payment, False),
        (OrderKeys(OURS, OrderId("A1-2")).payment, False),
    ],
)
def test_a_key_of_a_payment_is_recognised_exactly(key: str, is_ours: bool) -> None:
    assert OrderKeys(OURS, A1).is_of_payment(key) is is_ours


def test_the_longest_key_is_one_that_every_provider_takes() -> None:
    longest = OrderKeys(OURS, OrderId("A" * 64)).return_refund(ReturnId("R" * 64))
    assert len(longest) <= 255
