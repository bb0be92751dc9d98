"""Events of requests."""

from dataclasses import dataclass

from domain.ids import OrderId


@dataclass(frozen=True, slots=True)
class OrderRequested:
    """An order was placed under an idempotency key, in the same append as the order itself.

    Attributes:
        subject: who asked, such as ``service:shop``.
        fingerprint: a digest of the request; another one must not use the key.
        is_new: False if the same order had been placed before, under another key.
    """

    order_id: OrderId
    subject: str
    fingerprint: str
    is_new: bool
