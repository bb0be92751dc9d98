"""Read model `parcels`: the status of every parcel, and which ones need a person.

Each row is fed by one shipment stream, so lanes never share a row.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from domain.shipment import events as shipment_events
from eventstore.postgres.connection import survey
from projections.engine.projection import Pool, Projection, Recorded, names, own_id
from projections.engine.row_tables import RowTable
from projections.engine.sql_files import statement
from projections.paging import Page, fetch_page, make_row

_sql: Final = partial(statement, __package__)


@dataclass(slots=True, kw_only=True)
class Parcel:
    """The parcel of an order; the fields are the columns of its row.

    Attributes:
        status: label_bought, label_cancelled, handed_over, in_transit, delivered, returned or
            lost; unknown if scans, which are kept, arrived before the label.
        scanned_at: the carrier's time of the last scan that changed the status.
        contradicted_by: a scan that cannot follow the status, until a person resolves it.
        given_up: what became of the goods, if the order was undone after they had left.
        needs_attention: a person must act; `waiting_for` says on what.
        last_operator: who acted on it last.
    """

    order_id: str
    status: str = "unknown"
    carrier: str | None = None
    tracking_number: str | None = None
    scanned_at: datetime | None = None
    contradicted_by: str | None = None
    given_up: str | None = None
    needs_attention: bool = False
    waiting_for: str | None = None
    last_operator: str | None = None
    updated_at: datetime
    version: int = 0


def _labelled(row: Parcel, event: shipment_events.LabelBought) -> None:
    row.status, row.carrier = "label_bought", event.carrier
    row.tracking_number, row.scanned_at = event.tracking_number, None
    _clear_attention(row)


def _cancelled(row: Parcel, _: shipment_events.LabelCancelled) -> None:
    row.status = "label_cancelled"


def _moved(status: str) -> Callable[[Parcel, Any], None]:
    def change(row: Parcel, event: Any) -> None:
        row.status, row.scanned_at = status, event.at
        _clear_attention(row)

    return change


def _contradicted(row: Parcel, event: shipment_events.ScanContradicted) -> None:
    row.contradicted_by = event.status


def _kept(row: Parcel, event: shipment_events.ScanKept) -> None:
    row.scanned_at = event.at


def _given_up(row: Parcel, event: shipment_events.ParcelGivenUp) -> None:
    row.given_up = event.goods.value


def _needs_attention(row: Parcel, event: shipment_events.DeliveryAttentionRequired) -> None:
    row.needs_attention, row.waiting_for = True, event.waiting_for


def _operated(row: Parcel, event: shipment_events.DeliveryOperatorActed) -> None:
    row.last_operator, row.contradicted_by = event.actor, None
    _clear_attention(row)


def _clear_attention(row: Parcel) -> None:
    row.needs_attention, row.waiting_for = False, None


_CHANGES: Final[Mapping[type, Callable[[Parcel, Any], None]]] = {
    shipment_events.ScanKept: _kept,
    shipment_events.LabelBought: _labelled,
    shipment_events.LabelCancelled: _cancelled,
    shipment_events.ShipmentHandedOver: _moved("handed_over"),
    shipment_events.ShipmentInTransit: _moved("in_transit"),
    shipment_events.ShipmentDelivered: _moved("delivered"),
    shipment_events.ShipmentReturned: _moved("returned"),
    shipment_events.ShipmentLost: _moved("lost"),
    shipment_events.ScanContradicted: _contradicted,
    shipment_events.ParcelGivenUp: _given_up,
    shipment_events.DeliveryAttentionRequired: _needs_attention,
    shipment_events.DeliveryOperatorActed: _operated,
}


def apply_to(rows: dict[str, Parcel], item: Recorded) -> None:
    """Apply one event to the rows, which are keyed by order id."""
    order_id, at = own_id(item), item.stored.recorded_at
    row = rows.setdefault(order_id, Parcel(order_id=order_id, updated_at=at))
    row.updated_at, row.version = at, item.stored.version
    _CHANGES[type(item.event)](row, item.event)


PROJECTION: Final = Projection(
    name="parcels",
    version=1,
    tables=("parcels",),
    categories=frozenset({"shipment"}),
    handles=names(*_CHANGES),
    apply=RowTable(_sql, Parcel, apply_to).apply,
)


async def get_parcel(pool: Pool, order_id: str) -> Parcel | None:
    """The parcel of an order, or None if it has none."""
    row = await pool.fetchrow(_sql("get"), order_id)
    return make_row(Parcel)(row) if row else None


async def parcels_of(pool: Pool, order_ids: Collection[str]) -> dict[str, Parcel]:
    """The parcels of some orders, by order id."""
    rows = await pool.fetch(_sql("load"), list(order_ids))
    return {row["order_id"]: Parcel(**row) for row in rows}


async def count_needing_attention(pool: Pool) -> int:
    """How many parcels need a person."""
    with survey():
        return int(await pool.fetchval(_sql("count_attention")))


async def list_parcels(
    pool: Pool,
    *,
    status: str | None = None,
    needs_attention: bool | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Parcel]:
    """Parcels, latest changed first. Raises InvalidCursor for a cursor of another listing."""
    return await fetch_page(
        pool,
        _sql("list"),
        Parcel,
        {"updated_at": datetime, "order_id": str},
        limit=limit,
        cursor=cursor,
        status=status,
        needs_attention=needs_attention,
    )
