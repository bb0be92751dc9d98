"""The shipment of an order: its label, and where the parcel is.

Carriers report scans twice, late, out of order and before the label is recorded. So a shipment only
moves forward, and delivered, returned, lost and cancelled are final. A scan that comes before the
label is kept until there is one. A scan that the record cannot follow (a second end, a parcel whose
label is cancelled) is recorded for a person to look at. None is refused.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import reduce
from typing import Final, assert_never

from domain import fields
from domain.errors import ImpossibleHistory, InvalidValue, RuleBroken
from domain.ids import OrderId
from domain.notes import cut
from domain.parcel_left import IfLeft
from domain.shipment import commands, events

_Events = tuple[events.ShipmentEvent, ...]


class ShipmentStatus(StrEnum):
    """Where a shipment is."""

    LABEL_BOUGHT = "label_bought"
    LABEL_CANCELLED = "label_cancelled"
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    RETURNED = "returned"
    LOST = "lost"


_SCANS: Final[dict[str, type[events.ScanEvent]]] = {
    ShipmentStatus.HANDED_OVER: events.ShipmentHandedOver,
    ShipmentStatus.IN_TRANSIT: events.ShipmentInTransit,
    ShipmentStatus.DELIVERED: events.ShipmentDelivered,
    ShipmentStatus.RETURNED: events.ShipmentReturned,
    ShipmentStatus.LOST: events.ShipmentLost,
}
_STATUS_AFTER: Final = {scan: ShipmentStatus(status) for status, scan in _SCANS.items()}
_PROGRESS: Final = {
    ShipmentStatus.LABEL_BOUGHT: 0,
    ShipmentStatus.HANDED_OVER: 1,
    ShipmentStatus.IN_TRANSIT: 2,
}
_END: Final = 3
_ARRIVALS: Final = frozenset(
    {ShipmentStatus.DELIVERED, ShipmentStatus.RETURNED, ShipmentStatus.LOST}
)


@dataclass(frozen=True, slots=True)
class NoShipment:
    """No label has been bought; `kept` are the scans that came nevertheless, oldest first."""

    kept: tuple[events.ScanKept, ...] = ()


@dataclass(frozen=True, slots=True)
class Shipment:
    """A parcel with its latest label.

    Attributes:
        updated_at: the carrier's time of the last change of `status`.
        contradictions: statuses that the carrier reported and that cannot follow the recorded one.
        contradicted_by: the last of them, until a person reacts.
        given_up: what became of the goods, if the order was undone after they had left.
    """

    order_id: OrderId
    carrier: str
    label_id: str
    tracking_number: str
    idempotency_key: str
    status: ShipmentStatus = ShipmentStatus.LABEL_BOUGHT
    updated_at: datetime | None = None
    contradictions: frozenset[str] = frozenset()
    contradicted_by: str | None = None
    given_up: IfLeft | None = None

    @property
    def label_is_live(self) -> bool:
        """Whether the label was not cancelled."""
        return self.status is not ShipmentStatus.LABEL_CANCELLED

    @property
    def has_arrived(self) -> bool:
        """Whether the status is final for the carrier: delivered, returned or lost."""
        return self.status in _ARRIVALS

    @property
    def has_left(self) -> bool:
        """Whether the carrier has, or had, the parcel: its label can no longer be cancelled."""
        return self.status not in (ShipmentStatus.LABEL_BOUGHT, ShipmentStatus.LABEL_CANCELLED)


ShipmentState = NoShipment | Shipment

INITIAL: Final[ShipmentState] = NoShipment()


def live_label(state: ShipmentState) -> Shipment | None:
    """The shipment if it has a label that was not cancelled."""
    return state if isinstance(state, Shipment) and state.label_is_live else None


def is_held(state: ShipmentState) -> bool:
    """Whether a label is live, and nobody has given its parcel up."""
    label = live_label(state)
    return label is not None and label.given_up is None


def _progress(status: ShipmentStatus) -> int:
    return _PROGRESS.get(status, _END)


def decide(command: commands.ShipmentCommand, state: ShipmentState) -> _Events:
    """The resulting events; empty if the record is known, or the parcel is further already.

    Raises:
        InvalidValue: a value of the command is not acceptable.
        RuleBroken: the command contradicts what is recorded.
    """
    match command:
        case commands.RecordLabel():
            return _buy(command, state)
        case commands.RecordLabelCancelled():
            return _cancel(command, state)
        case commands.RecordCarrierUpdate():
            return _update(command, state)
        case commands.GiveUpParcel():
            return _give_up(command, state)
        case commands.RequireDeliveryAttention():
            return (events.DeliveryAttentionRequired(command.at_step, cut(command.waiting_for)),)
        case commands.RecordDeliveryOperator():
            actor, reason = cut(command.actor, fields.MAX_ACTOR), cut(command.reason)
            return (events.DeliveryOperatorActed(actor, command.action, reason),)
        case _:
            assert_never(command)


def _buy(command: commands.RecordLabel, state: ShipmentState) -> _Events:
    for name in ("carrier", "label_id", "tracking_number", "idempotency_key"):
        fields.check_reference(getattr(command, name), name)
    if isinstance(state, Shipment):
        if state.label_id == command.label_id:
            return ()
        if state.label_is_live:
            raise RuleBroken("label_exists", "the order has another live label")
        if state.idempotency_key == command.idempotency_key:
            raise RuleBroken("label_is_cancelled", "a new label needs a new idempotency key")
    bought = events.LabelBought(
        command.order_id,
        command.carrier,
        command.label_id,
        command.tracking_number,
        command.idempotency_key,
    )
    kept = state.kept if isinstance(state, NoShipment) else ()
    return (bought, *_after(bought, kept))


def _after(bought: events.LabelBought, kept: tuple[events.ScanKept, ...]) -> _Events:
    """What scans that were kept for a label do once it is bought."""
    state, decided = evolve(INITIAL, bought), list[events.ShipmentEvent]()
    for scan in kept:
        moved = _update(commands.RecordCarrierUpdate(scan.status, scan.at), state)
        state = reduce(evolve, moved, state)
        decided += moved
    return tuple(decided)


def _cancel(command: commands.RecordLabelCancelled, state: ShipmentState) -> _Events:
    if isinstance(state, NoShipment):
        raise RuleBroken("label_missing", "no label was bought for the order")
    if state.label_id != command.label_id:
        raise RuleBroken("label_differs", "the order has another label")
    if state.status is ShipmentStatus.LABEL_CANCELLED:
        return ()
    if state.has_left:
        raise RuleBroken(
            "parcel_has_left", "the carrier has the parcel: its label can no longer be cancelled"
        )
    return (events.LabelCancelled(command.order_id, command.label_id),)


def _update(command: commands.RecordCarrierUpdate, state: ShipmentState) -> _Events:
    scan = _SCANS.get(command.status)
    if scan is None:
        raise InvalidValue("status", f"must be one of {', '.join(_SCANS)}")
    status, at = ShipmentStatus(command.status), fields.parse_moment(command.at, "at")
    if isinstance(state, NoShipment):
        is_kept = any(kept.status == status for kept in state.kept)
        return () if is_kept else (events.ScanKept(status.value, at),)
    moves = _progress(status) > _progress(state.status)
    moved = (scan(at),) if moves else ()
    return (*moved, *_contradicting(status, at, state))


def _contradicting(reported: ShipmentStatus, at: datetime, state: Shipment) -> _Events:
    second_end = state.has_arrived and reported in _ARRIVALS and reported is not state.status
    unexpected = state.given_up is not None and reported is ShipmentStatus.DELIVERED
    if not (second_end or unexpected or not state.label_is_live):
        return ()
    if reported in state.contradictions or (unexpected and reported is state.status):
        return ()
    return (events.ScanContradicted(reported.value, at),)


def _give_up(command: commands.GiveUpParcel, state: ShipmentState) -> _Events:
    if isinstance(state, NoShipment) or not state.label_is_live or state.given_up is command.goods:
        return ()
    actor, reason = cut(command.actor, fields.MAX_ACTOR), cut(command.reason)
    return (events.ParcelGivenUp(command.goods, actor, reason),)


def evolve(state: ShipmentState, event: events.ShipmentEvent) -> ShipmentState:
    """The state after an event; raises ImpossibleHistory if it cannot follow on `state`."""
    match event:
        case events.ScanKept():
            if isinstance(state, Shipment):
                raise ImpossibleHistory(event, state)
            return replace(state, kept=(*state.kept, event))
        case events.LabelBought():
            return Shipment(
                event.order_id,
                event.carrier,
                event.label_id,
                event.tracking_number,
                event.idempotency_key,
            )
        case events.LabelCancelled():
            if isinstance(state, NoShipment):
                raise ImpossibleHistory(event, state)
            return replace(state, status=ShipmentStatus.LABEL_CANCELLED)
        case (
            events.ScanContradicted()
            | events.ParcelGivenUp()
            | events.DeliveryAttentionRequired()
            | events.DeliveryOperatorActed()
        ):
            return _noted(state, event)
        case _:
            return _moved(state, event)


def _noted(state: ShipmentState, event: events.DeliveryEvent) -> ShipmentState:
    match state, event:
        case Shipment(), events.ScanContradicted(status=reported):
            contradictions = state.contradictions | {reported}
            return replace(state, contradictions=contradictions, contradicted_by=reported)
        case Shipment(), events.ParcelGivenUp(goods=goods):
            return replace(state, given_up=goods)
        case Shipment(), events.DeliveryOperatorActed():
            return replace(state, contradicted_by=None)
        case _:
            return state


def _moved(state: ShipmentState, event: events.ScanEvent) -> Shipment:
    if isinstance(state, NoShipment):
        raise ImpossibleHistory(event, state)
    return replace(state, status=_STATUS_AFTER[type(event)], updated_at=event.at)
