"""The four statuses of an order, as people read them: order, payment, fulfilment, return.

They follow from the rows of the read models, for one order at any time and for a page of a list.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from projections.engine.projection import Pool
from projections.read_models.parcels.model import Parcel, parcels_of
from projections.read_models.payments.model import UNPAID, Payment, payments_of
from projections.read_models.returns.model import UNDECIDED, ReturnRow, returns_of

UNFULFILLED: Final = "unfulfilled"


class PaymentProgress(StrEnum):
    """The payment statuses of orders."""

    UNPAID = "unpaid"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    REFUND_PENDING = "refund_pending"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    EXPIRED = "expired"
    DECLINED = "declined"


class FulfilmentProgress(StrEnum):
    """The fulfilment statuses of orders."""

    UNFULFILLED = "unfulfilled"
    LABEL_BOUGHT = "label_bought"
    HANDED_OVER = "handed_over"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    RETURNED = "returned"
    LOST = "lost"


class ReturnProgress(StrEnum):
    """The return statuses of orders."""

    NONE = "none"
    AWAITING_DECISION = "awaiting_decision"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Statuses:
    """Three of the four statuses of an order, and its money in minor units.

    Attributes:
        payment_status: see `PaymentProgress`.
        fulfilment_status: see `FulfilmentProgress`.
        return_status: see `ReturnProgress`.
        kept_minor: captured and not refunded.
    """

    payment_status: str
    fulfilment_status: str
    return_status: str
    authorised_minor: int
    captured_minor: int
    refunded_minor: int
    kept_minor: int


def statuses_of(
    payment: Payment | None, parcel: Parcel | None, returns: Collection[ReturnRow]
) -> Statuses:
    """The statuses that follow from the rows of an order."""
    return Statuses(
        payment_status=_payment_status(payment, returns),
        fulfilment_status=_fulfilment_status(parcel),
        return_status=_return_status(returns),
        authorised_minor=payment.authorised_minor if payment else 0,
        captured_minor=payment.captured_minor if payment else 0,
        refunded_minor=payment.refunded_minor if payment else 0,
        kept_minor=payment.kept_minor if payment else 0,
    )


def _payment_status(payment: Payment | None, returns: Iterable[ReturnRow]) -> str:
    if payment is None:
        return UNPAID
    if any(case.refund == "granted" for case in returns):
        return "refund_pending"
    return payment.status


def _fulfilment_status(parcel: Parcel | None) -> str:
    if parcel is None or parcel.status in ("unknown", "label_cancelled"):
        return UNFULFILLED
    return parcel.status


def _return_status(returns: Collection[ReturnRow]) -> str:
    if not returns:
        return ReturnProgress.NONE
    still_open = [case for case in returns if case.closed_at is None]
    if any(UNDECIDED in (case.refund, case.restock) for case in still_open):
        return ReturnProgress.AWAITING_DECISION
    return ReturnProgress.OPEN if still_open else ReturnProgress.CLOSED


async def statuses_by_order(pool: Pool, order_ids: Sequence[str]) -> dict[str, Statuses]:
    """The statuses of some orders, from the read models."""
    payments = await payments_of(pool, order_ids)
    parcels = await parcels_of(pool, order_ids)
    returns = await returns_of(pool, order_ids)
    return {
        order_id: statuses_of(
            payments.get(order_id), parcels.get(order_id), returns.get(order_id, ())
        )
        for order_id in order_ids
    }
