"""Read model `payments`: the money of every order, and every movement of it, as providers said.

Each row of an order is fed by one payment stream, and movements are only inserted, so lanes never
share a row. What an order costs is in `current_orders`, and the queries join it.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final

from domain.payment import events as payment_events
from eventstore.postgres.connection import survey
from projections.engine.projection import Connection, Pool, Projection, Recorded, names, own_id
from projections.engine.row_tables import RowTable, execute_columns
from projections.engine.sql_files import statement
from projections.paging import Page, asked_for, fetch_page, make_row

_sql: Final = partial(statement, __package__)

UNPAID: Final = "unpaid"
"""The payment status of an order that no provider has answered for."""


@dataclass(slots=True, kw_only=True)
class Payment:
    """The payment of an order; amounts in minor units; the fields are the columns of its row.

    Attributes:
        status: unpaid, authorised, captured, refund_pending, partly_refunded, refunded, voided,
            expired or declined.
        authorised_minor: held by the provider and not captured.
        kept_minor: captured and not refunded.
        pending_minor: refunds that are on their way; kept until they have succeeded.
        reference: the provider's.
    """

    order_id: str
    status: str = UNPAID
    currency: str
    authorised_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    kept_minor: int = 0
    pending_minor: int = 0
    reference: str | None = None
    decline_code: str | None = None
    updated_at: datetime
    version: int = 0


@dataclass(slots=True, kw_only=True)
class PaymentRow(Payment):
    """The row of a payment; `pending` has the amounts of `pending_minor` by our keys, as JSON."""

    pending: str = "{}"

    def refund_is_on_its_way(self, key: str, minor: int | None) -> None:
        """Note a refund that is on its way, or (None) that it is not any more."""
        amounts = json.loads(self.pending)
        amounts.pop(key, None)
        if minor is not None:
            amounts[key] = minor
        self.pending, self.pending_minor = json.dumps(amounts), sum(amounts.values())

    def shown(self) -> Payment:
        """The payment without what only the row is for."""
        return Payment(**{name: getattr(self, name) for name in Payment.__dataclass_fields__})

    def settle(self) -> None:
        """Bring what follows from the amounts up to date."""
        self.kept_minor = self.captured_minor - self.refunded_minor
        if self.pending_minor:
            self.status = "refund_pending"
        elif self.captured_minor:
            untouched = "captured" if self.refunded_minor == 0 else "partly_refunded"
            self.status = untouched if self.kept_minor else "refunded"
        elif self.authorised_minor:
            self.status = "authorised"


def _prepared(
    row: PaymentRow, event: payment_events.PaymentPrepared | payment_events.PaymentClaimed
) -> None:
    row.status, row.reference, row.decline_code = UNPAID, event.reference, None


def _authorised(row: PaymentRow, event: payment_events.PaymentAuthorised) -> None:
    row.authorised_minor, row.reference = event.amount.minor, event.reference


def _captured(row: PaymentRow, event: payment_events.PaymentCaptured) -> None:
    row.captured_minor += event.amount.minor
    row.authorised_minor, row.reference = 0, event.reference


def _declined(row: PaymentRow, event: payment_events.PaymentDeclined) -> None:
    row.status, row.decline_code = "declined", event.code


def _not_claimed(row: PaymentRow, event: payment_events.PaymentNotClaimed) -> None:
    row.status, row.reference, row.decline_code = "declined", event.reference, event.code


def _voided(row: PaymentRow, _: payment_events.PaymentVoided) -> None:
    row.status, row.authorised_minor = "voided", 0


def _expired(row: PaymentRow, _: payment_events.PaymentExpired) -> None:
    row.status, row.authorised_minor = "expired", 0


def _refunded(row: PaymentRow, event: payment_events.PaymentRefunded) -> None:
    row.refunded_minor += event.amount.minor
    row.refund_is_on_its_way(event.refund_reference, None)


def _refund_pending(row: PaymentRow, event: payment_events.RefundPending) -> None:
    row.refund_is_on_its_way(event.refund_reference, event.amount.minor)


def _refund_failed(row: PaymentRow, event: payment_events.RefundFailed) -> None:
    row.refund_is_on_its_way(event.refund_reference, None)


def _refund_reversed(row: PaymentRow, event: payment_events.RefundReversed) -> None:
    row.refunded_minor -= event.amount.minor


_CHANGES: Final[Mapping[type, Callable[[PaymentRow, Any], None]]] = {
    payment_events.PaymentPrepared: _prepared,
    payment_events.PaymentClaimed: _prepared,
    payment_events.PaymentNotClaimed: _not_claimed,
    payment_events.PaymentAuthorised: _authorised,
    payment_events.PaymentCaptured: _captured,
    payment_events.PaymentDeclined: _declined,
    payment_events.PaymentVoided: _voided,
    payment_events.PaymentExpired: _expired,
    payment_events.PaymentRefunded: _refunded,
    payment_events.RefundPending: _refund_pending,
    payment_events.RefundFailed: _refund_failed,
    payment_events.RefundReversed: _refund_reversed,
}
_KINDS: Final[Mapping[type, str]] = {
    payment_events.PaymentAuthorised: "authorised",
    payment_events.PaymentCaptured: "captured",
    payment_events.PaymentDeclined: "declined",
    payment_events.PaymentNotClaimed: "declined",
    payment_events.PaymentVoided: "voided",
    payment_events.PaymentExpired: "expired",
    payment_events.PaymentRefunded: "refunded",
    payment_events.RefundPending: "refund_pending",
    payment_events.RefundFailed: "refund_failed",
    payment_events.RefundReversed: "refund_reversed",
}
"""Names of the movements; a payment that is only prepared has moved nothing."""


def apply_to(rows: dict[str, PaymentRow], item: Recorded) -> None:
    """Apply one event to the rows, which are keyed by order id."""
    change = _CHANGES.get(type(item.event))
    if change is None:
        return
    order_id, at = own_id(item), item.stored.recorded_at
    new = PaymentRow(order_id=order_id, currency=item.event.amount.currency, updated_at=at)
    row = rows.setdefault(order_id, new)
    row.updated_at, row.version = at, item.stored.version
    change(row, item.event)
    row.settle()


_TABLE: Final = RowTable(_sql, PaymentRow, apply_to)


async def _apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
    await _TABLE.apply(connection, schema, batch)
    await execute_columns(connection, _sql("insert_movements", schema), _movements(batch))


def _movements(batch: Sequence[Recorded]) -> Iterator[tuple[Any, ...]]:
    for one in movements_of(batch):
        day = one.at.astimezone(UTC).date()
        where = (one.position, one.order_id, one.kind, one.at, day)
        yield (*where, one.currency, one.amount_minor, one.reference)


def movements_of(batch: Sequence[Recorded]) -> "list[Movement]":
    """The movements that events of payments are."""
    return [
        Movement(
            position=item.stored.position,
            order_id=own_id(item),
            kind=_KINDS[type(item.event)],
            at=item.stored.recorded_at,
            currency=item.event.amount.currency,
            amount_minor=item.event.amount.minor,
            reference=_reference(item.event),
        )
        for item in batch
        if type(item.event) in _KINDS
    ]


def _reference(event: Any) -> str:
    """The provider's name for the movement; of a decline, the key under which it was tried."""
    if isinstance(event, payment_events.PaymentDeclined):
        return event.idempotency_key
    if isinstance(event, payment_events.RefundEvent):
        return event.refund_reference
    return str(event.reference)


PROJECTION: Final = Projection(
    name="payments",
    version=1,
    tables=("payments", "payment_movements"),
    categories=frozenset({"payment"}),
    handles=names(*_CHANGES),
    apply=_apply,
)


# --- queries -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderPayment:
    """The payment of an order beside what the order costs; `wanted_minor` is 0 if cancelled."""

    order_id: str
    status: str
    currency: str
    wanted_minor: int
    authorised_minor: int
    captured_minor: int
    refunded_minor: int
    kept_minor: int
    pending_minor: int
    reference: str | None
    decline_code: str | None
    order_status: str
    customer_id: str | None
    placed_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Movement:
    """One answer of a provider.

    `kind` is authorised, captured, declined, voided, expired, refunded, refund_pending,
    refund_failed or refund_reversed (a refund that had succeeded came back).
    """

    position: int
    order_id: str
    kind: str
    at: datetime
    currency: str
    amount_minor: int
    reference: str


@dataclass(frozen=True, slots=True)
class MoneySums:
    """The money of a day (UTC) in one currency, in minor units; `kept` is captured less refunded.

    `wanted` counts on the day of submission, the others on the day on which they were recorded.
    """

    day: date
    currency: str
    wanted_minor: int
    authorised_minor: int
    captured_minor: int
    refunded_minor: int
    kept_minor: int


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """Selects payments; None means any. `changed_before` is exclusive."""

    status: str | None = None
    currency: str | None = None
    reference: str | None = None
    changed_from: datetime | None = None
    changed_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class MovementFilter:
    """Selects movements; None means any. `until` is exclusive."""

    order_id: str | None = None
    kind: str | None = None
    currency: str | None = None
    since: date | None = None
    until: date | None = None


async def list_payments(
    pool: Pool, criteria: PaymentFilter, *, limit: int = 50, cursor: str | None = None
) -> Page[OrderPayment]:
    """Payments, latest changed first. Raises InvalidCursor for a cursor of another listing."""
    key = {"updated_at": datetime, "order_id": str}
    filters = asked_for(criteria)
    return await fetch_page(
        pool, _sql("list"), OrderPayment, key, limit=limit, cursor=cursor, **filters
    )


async def list_movements(
    pool: Pool, criteria: MovementFilter, *, limit: int = 50, cursor: str | None = None
) -> Page[Movement]:
    """Movements, oldest first. Raises InvalidCursor for a cursor of another listing."""
    key = {"position": int}
    filters = asked_for(criteria)
    return await fetch_page(
        pool, _sql("movements"), Movement, key, limit=limit, cursor=cursor, **filters
    )


async def money_by_day(
    pool: Pool, since: date | None = None, until: date | None = None, currency: str | None = None
) -> list[MoneySums]:
    """Sums by day and currency; `until` is exclusive."""
    with survey():
        rows = await pool.fetch(_sql("sums"), since, until, currency)
    whole = dict.fromkeys(_SUMS, int)
    make: Callable[[Any], MoneySums] = make_row(MoneySums, **whole)
    return [make(row) for row in rows]


async def payments_of(pool: Pool, order_ids: Collection[str]) -> dict[str, Payment]:
    """The payments of some orders, by order id."""
    rows = await pool.fetch(_sql("load"), list(order_ids))
    return {row["order_id"]: PaymentRow(**row).shown() for row in rows}


_SUMS: Final = tuple(name for name in MoneySums.__dataclass_fields__ if name.endswith("_minor"))
