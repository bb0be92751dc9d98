"""What is seen becomes a finding only if it lasts, and after an outage only once all caught up."""

from domain.ids import OrderId
from ordersaga.findings.observation import Kind, Observation
from ordersaga.operations.watchdog.look import CONFIRMED_AFTER_S, SETTLED_AFTER_S, Confirmations

SEEN = Observation(Kind.NO_SAGA, "order-A1", "open", "`recover`", OrderId("A1"))
OTHER = Observation(Kind.PAUSED, "order-A1", "paused", "`unpause`", OrderId("A1"))
KEY = (SEEN.kind.value, SEEN.subject)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def settled() -> tuple[Clock, Confirmations]:
    clock = Clock()
    confirmations = Confirmations(clock)
    clock.now += SETTLED_AFTER_S
    return clock, confirmations


def test_what_lasts_is_a_finding() -> None:
    clock, confirmations = settled()
    assert confirmations.confirm([SEEN], ()) == []
    assert confirmations.order_ids() == ["A1"]
    clock.now += CONFIRMED_AFTER_S
    assert confirmations.confirm([SEEN], ()) == [SEEN]


def test_what_is_seen_twice_in_short_time_is_not_yet_a_finding() -> None:
    clock, confirmations = settled()
    confirmations.confirm([SEEN], ())
    clock.now += CONFIRMED_AFTER_S / 2
    assert confirmations.confirm([SEEN], ()) == []


def test_what_was_gone_in_between_begins_anew() -> None:
    clock, confirmations = settled()
    confirmations.confirm([SEEN], ())
    confirmations.confirm([], ())
    clock.now += CONFIRMED_AFTER_S
    assert confirmations.confirm([SEEN], ()) == []


def test_another_kind_about_the_same_order_begins_anew() -> None:
    clock, confirmations = settled()
    confirmations.confirm([SEEN], ())
    clock.now += CONFIRMED_AFTER_S
    assert confirmations.confirm([OTHER], ()) == []


def test_what_was_a_finding_before_is_one_at_once() -> None:
    _, confirmations = settled()
    assert confirmations.confirm([SEEN], {KEY}) == [SEEN]


def test_after_an_outage_nothing_is_believed_until_all_have_caught_up() -> None:
    clock, confirmations = settled()
    confirmations.confirm([SEEN], ())
    confirmations.restart()
    clock.now += SETTLED_AFTER_S - 1
    assert confirmations.confirm([SEEN], ()) == []
    clock.now += CONFIRMED_AFTER_S
    assert confirmations.confirm([SEEN], ()) == []
    clock.now += 1
    assert confirmations.confirm([SEEN], ()) == [SEEN]
