from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from domain.errors import ImpossibleHistory
from domain.parcel_left import IfLeft
from domain.shipment import shipment
from domain.shipment.commands import (
    GiveUpParcel,
    RecordCarrierUpdate,
    RecordDeliveryOperator,
    RecordLabel,
    RecordLabelCancelled,
    RequireDeliveryAttention,
)
from domain.shipment.events import (
    DeliveryAttentionRequired,
    DeliveryOperatorActed,
    LabelBought,
    LabelCancelled,
    ParcelGivenUp,
    ScanContradicted,
    ScanKept,
    ShipmentDelivered,
    ShipmentHandedOver,
    ShipmentInTransit,
    ShipmentLost,
    ShipmentReturned,
)
from domain.shipment.shipment import ShipmentStatus
from tests.support.sagas.domain_samples import NOON, ORDER
from tests.support.sagas.specification import Specification

spec = Specification(shipment.decide, shipment.evolve, shipment.INITIAL)
BOUGHT = LabelBought(ORDER, "postal", "lbl_1", "TRACK1", "k1")
TAKEN_BACK = LabelCancelled(ORDER, "lbl_1")
HANDED = ShipmentHandedOver(NOON)
MOVING = ShipmentInTransit(NOON)
BUY = RecordLabel(ORDER, "postal", "lbl_1", "TRACK1", "k1")
CANCEL = RecordLabelCancelled(ORDER, "lbl_1")
ENDS = [ShipmentDelivered(NOON), ShipmentReturned(NOON), ShipmentLost(NOON), TAKEN_BACK]
SCANS = ["handed_over", "in_transit", "delivered", "returned", "lost"]


def test_a_label_is_bought_once() -> None:
    spec.given().when(BUY).then(BOUGHT)
    spec.given(BOUGHT).when(BUY).then_nothing()
    spec.given(BOUGHT, HANDED).when(BUY).then_nothing()


def test_an_order_has_one_live_label() -> None:
    spec.given(BOUGHT).when(replace(BUY, label_id="lbl_2")).then_refused("label_exists")


def test_a_new_label_after_a_cancelled_one_needs_a_new_key() -> None:
    given = spec.given(BOUGHT, TAKEN_BACK)
    given.when(replace(BUY, label_id="lbl_2")).then_refused("label_is_cancelled")
    given.when(replace(BUY, label_id="lbl_2", idempotency_key="k2")).then(
        replace(BOUGHT, label_id="lbl_2", idempotency_key="k2")
    )


@pytest.mark.parametrize("name", ["carrier", "label_id", "tracking_number", "idempotency_key"])
def test_a_label_is_complete(name: str) -> None:
    spec.given().when(RecordLabel(**{**_parts(), name: ""})).then_invalid(name)


def _parts() -> dict[str, str]:
    return {
        "order_id": ORDER,
        "carrier": "postal",
        "label_id": "lbl_1",
        "tracking_number": "TRACK1",
        "idempotency_key": "k1",
    }


def test_a_label_is_cancelled_once() -> None:
    spec.given(BOUGHT).when(CANCEL).then(TAKEN_BACK)
    spec.given(BOUGHT, TAKEN_BACK).when(CANCEL).then_nothing()
    assert not spec.state(BOUGHT, TAKEN_BACK).label_is_live


def test_another_label_is_not_cancelled() -> None:
    spec.given().when(CANCEL).then_refused("label_missing")
    spec.given(BOUGHT).when(RecordLabelCancelled(ORDER, "lbl_2")).then_refused("label_differs")


@pytest.mark.parametrize("move", [HANDED, MOVING, *ENDS[:3]])
def test_the_label_of_a_parcel_that_left_cannot_be_cancelled(move: object) -> None:
    spec.given(BOUGHT, move).when(CANCEL).then_refused("parcel_has_left")


@pytest.mark.parametrize(
    ("status", "event"), list(zip(SCANS, [HANDED, MOVING, *ENDS[:3]], strict=True))
)
def test_each_scan_is_recorded(status: str, event: object) -> None:
    spec.given(BOUGHT).when(RecordCarrierUpdate(status, NOON)).then(event)


def test_a_scan_that_comes_twice_changes_nothing() -> None:
    spec.given(BOUGHT, MOVING).when(RecordCarrierUpdate("in_transit", NOON)).then_nothing()


def test_a_scan_that_comes_late_does_not_move_the_parcel_back() -> None:
    spec.given(BOUGHT, MOVING).when(RecordCarrierUpdate("handed_over", NOON)).then_nothing()


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("status", SCANS)
def test_no_scan_changes_a_final_status(end: object, status: str) -> None:
    before = spec.state(BOUGHT, end)
    later = RecordCarrierUpdate(status, NOON + timedelta(days=1))
    after = reduce(shipment.evolve, shipment.decide(later, before), before)
    assert (after.status, after.updated_at) == (before.status, before.updated_at)


def test_a_contradicting_final_status_is_recorded_once() -> None:
    lost = RecordCarrierUpdate("lost", NOON)
    noted = ScanContradicted("lost", NOON)
    arrived = ShipmentDelivered(NOON)
    spec.given(BOUGHT, arrived).when(lost).then(noted)
    spec.given(BOUGHT, arrived, noted).when(lost).then_nothing()
    assert spec.state(BOUGHT, arrived, noted).contradicted_by == "lost"
    looked_at = DeliveryOperatorActed("ann", "resolve", "the customer has it")
    assert spec.state(BOUGHT, arrived, noted, looked_at).contradicted_by is None


def test_attention_and_operators_are_recorded_and_move_nothing() -> None:
    required = DeliveryAttentionRequired("no_news", "no news for 14 days")
    spec.given(BOUGHT).when(RequireDeliveryAttention("no_news", "no news for 14 days")).then(
        required
    )
    acted = DeliveryOperatorActed("ann", "retry", "wait on")
    spec.given().when(RecordDeliveryOperator("ann", "retry", "wait on")).then(acted)
    assert spec.state(BOUGHT, required, acted) == spec.state(BOUGHT)
    assert spec.state(required) == spec.state()


def test_a_scan_has_a_known_status_and_a_time_zone() -> None:
    naive = datetime(2026, 1, 31)  # noqa: DTZ001 # a time without zone is what is refused
    spec.given(BOUGHT).when(RecordCarrierUpdate("eaten", NOON)).then_invalid("status")
    spec.given(BOUGHT).when(RecordCarrierUpdate("label_bought", NOON)).then_invalid("status")
    spec.given(BOUGHT).when(RecordCarrierUpdate("lost", naive)).then_invalid("at")


def test_a_scan_of_another_century_is_refused() -> None:
    for year in (1, 1999, 2101, 9999):
        scan = RecordCarrierUpdate("lost", NOON.replace(year=year))
        spec.given(BOUGHT).when(scan).then_invalid("at")


def test_a_scan_before_the_label_is_kept_and_counts_once_there_is_one() -> None:
    lost = RecordCarrierUpdate("lost", NOON)
    kept = ScanKept("lost", NOON)
    spec.given().when(lost).then(kept)
    spec.given(kept).when(lost).then_nothing()
    spec.given(kept).when(BUY).then(BOUGHT, ShipmentLost(NOON))


def test_a_scan_of_a_parcel_whose_label_is_cancelled_is_for_a_person() -> None:
    handed = RecordCarrierUpdate("handed_over", NOON)
    noted = ScanContradicted("handed_over", NOON)
    spec.given(BOUGHT, TAKEN_BACK).when(handed).then(noted)
    spec.given(BOUGHT, TAKEN_BACK, noted).when(handed).then_nothing()


@pytest.mark.parametrize("goods", [IfLeft.LOST, IfLeft.COMING_BACK])
def test_a_parcel_that_has_left_is_given_up_once(goods: IfLeft) -> None:
    given_up = ParcelGivenUp(goods, "ann", "the customer changed his mind")
    command = GiveUpParcel(goods, "ann", "the customer changed his mind")
    spec.given(BOUGHT, HANDED).when(command).then(given_up)
    spec.given(BOUGHT, HANDED, given_up).when(command).then_nothing()
    state = spec.state(BOUGHT, HANDED, given_up)
    assert state.label_is_live
    assert not shipment.is_held(state)
    spec.given().when(command).then_nothing()


def test_goods_that_were_given_up_and_are_delivered_are_for_a_person() -> None:
    given_up = ParcelGivenUp(IfLeft.LOST, "ann", "a claim is made")
    arrives = RecordCarrierUpdate("delivered", NOON)
    noted = ScanContradicted("delivered", NOON)
    spec.given(BOUGHT, HANDED, given_up).when(arrives).then(ShipmentDelivered(NOON), noted)
    after = (BOUGHT, HANDED, given_up, ShipmentDelivered(NOON), noted)
    spec.given(*after).when(arrives).then_nothing()


def test_an_over_long_reason_is_cut_and_refuses_nothing() -> None:
    command = GiveUpParcel(IfLeft.LOST, "a" * 5_000, "x" * 5_000)
    [event] = shipment.decide(command, spec.state(BOUGHT, HANDED))
    assert (len(event.actor), len(event.reason)) == (100, 2_000)


@hypothesis_given(
    st.sampled_from(SCANS[2:]).flatmap(
        lambda end: st.permutations([*SCANS[:2], end, "label", end]).map(lambda facts: (end, facts))
    )
)
def test_scans_and_the_label_end_alike_in_every_order(journey: tuple[str, list[str]]) -> None:
    end, facts = journey
    state = spec.state()
    for fact in facts:
        at = NOON + timedelta(hours=[*SCANS, "label"].index(fact))
        command = BUY if fact == "label" else RecordCarrierUpdate(fact, at)
        state = reduce(shipment.evolve, shipment.decide(command, state), state)
    at = NOON + timedelta(hours=SCANS.index(end))
    assert (state.status, state.updated_at, state.contradictions) == (end, at, frozenset())
    assert (state.tracking_number, state.has_left) == ("TRACK1", True)


@hypothesis_given(st.lists(st.sampled_from([*SCANS, "label"]), max_size=12))
def test_no_fact_is_refused_in_any_order(facts: list[str]) -> None:
    state = spec.state()
    told: set[str] = set()
    for fact in facts:
        if fact == "label":
            state = reduce(shipment.evolve, shipment.decide(BUY, state), state)
        else:
            told.add(fact)
            command = RecordCarrierUpdate(fact, NOON)
            state = reduce(shipment.evolve, shipment.decide(command, state), state)
    state = reduce(shipment.evolve, shipment.decide(BUY, state), state)
    ends = told & set(SCANS[2:])
    if ends:  # the first end stands, and a person looks at the others
        assert state.status in ends
        assert state.contradictions == ends - {state.status}
    elif told:
        assert state.status == max(told, key=SCANS.index)


@hypothesis_given(st.lists(st.tuples(st.sampled_from(SCANS), st.integers(-9, 9)), max_size=12))
def test_whatever_the_carrier_reports_the_parcel_only_moves_forward(
    scans: list[tuple[str, int]],
) -> None:
    state = spec.state(BOUGHT)
    order = ["label_bought", *SCANS]
    for status, hours in scans:
        command = RecordCarrierUpdate(status, NOON + timedelta(hours=hours))
        before = state
        for event in shipment.decide(command, state):
            state = shipment.evolve(state, event)
        assert order.index(state.status) >= order.index(before.status)
        moved = (state.status, state.updated_at) != (before.status, before.updated_at)
        assert not (moved and before.has_arrived)
    assert state.status in set(ShipmentStatus)


@hypothesis_given(
    st.sampled_from(SCANS[2:]).flatmap(
        lambda end: st.permutations([*SCANS[:2], end] * 2).map(lambda scans: (end, scans))
    )
)
def test_shuffled_and_repeated_scans_of_one_journey_end_alike(
    journey: tuple[str, list[str]],
) -> None:
    end, scans = journey
    state = spec.state(BOUGHT)
    for status in scans:
        command = RecordCarrierUpdate(status, NOON + timedelta(hours=SCANS.index(status)))
        state = reduce(shipment.evolve, shipment.decide(command, state), state)
    at = NOON + timedelta(hours=SCANS.index(end))
    assert (state.status, state.updated_at, state.contradictions) == (end, at, frozenset())


@pytest.mark.parametrize("event", [HANDED, TAKEN_BACK])
def test_an_impossible_history_is_refused(event: object) -> None:
    with pytest.raises(ImpossibleHistory):
        spec.state(event)
