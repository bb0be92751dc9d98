"""Identifiers: distinct types for the type checker, plain text at run time and in JSON.

Stream names are built only here. The category of a stream is the part before its first ``-``.
"""

import hashlib
import re
from typing import Final, NewType

from domain.errors import InvalidValue

OrderId = NewType("OrderId", str)
Sku = NewType("Sku", str)
CustomerId = NewType("CustomerId", str)
ReturnId = NewType("ReturnId", str)
JobId = NewType("JobId", str)
LineId = NewType("LineId", str)
"""Names a line within its order."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_RETURN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._]*", re.ASCII)
_MAX_LENGTH = 64
_DIGITS_OF_REFERENCE: Final = 40


def _checked(
    field: str,
    raw: str,
    pattern: re.Pattern[str] = _IDENTIFIER,
    characters: str = "letters, digits, dots, underscores or hyphens",
) -> str:
    if len(raw) > _MAX_LENGTH or not pattern.fullmatch(raw):
        problem = f"must be 1 to {_MAX_LENGTH} {characters} and start with a letter or digit"
        raise InvalidValue(field, problem)
    return raw


def parse_order_id(raw: str, field: str = "order_id") -> OrderId:
    """Return `raw` as an order id; raises InvalidValue naming `field`."""
    return OrderId(_checked(field, raw))


def order_id_of(reference: str) -> OrderId:
    """The id of an order for which the shop gives only its own number.

    ``ref-`` and the first 40 hexadecimal digits of the SHA-256 of the number's UTF-8, so that any
    program can compute it, and no two numbers have the same.
    """
    digest = hashlib.sha256(reference.encode()).hexdigest()
    return OrderId(f"ref-{digest[:_DIGITS_OF_REFERENCE]}")


def parse_line_id(raw: str, field: str = "line_id") -> LineId:
    """Return `raw` as the id of an order line; raises InvalidValue naming `field`."""
    return LineId(_checked(field, raw))


def parse_sku(raw: str, field: str = "sku") -> Sku:
    """Return `raw` as a stock keeping unit; raises InvalidValue naming `field`."""
    return Sku(_checked(field, raw))


def parse_customer_id(raw: str, field: str = "customer_id") -> CustomerId:
    """Return `raw` as a customer id; raises InvalidValue naming `field`."""
    return CustomerId(_checked(field, raw))


def parse_return_id(raw: str, field: str = "return_id") -> ReturnId:
    """Return `raw` as a return id; raises InvalidValue naming `field`.

    It has no hyphen, so that ``return-<order id>-<return id>`` is unambiguous.
    """
    characters = "letters, digits, dots or underscores"
    return ReturnId(_checked(field, raw, _RETURN_ID, characters))


def parse_job_id(raw: str, field: str = "job_id") -> JobId:
    """Return `raw` as the id of a job; raises InvalidValue naming `field`."""
    return JobId(_checked(field, raw))


def order_stream(order_id: OrderId) -> str:
    """Name of the stream of an order; it is also the workflow id of its saga."""
    return f"order-{order_id}"


def stock_stream(sku: Sku) -> str:
    """Name of the stream of a stock item."""
    return f"stock-{sku}"


def payment_stream(order_id: OrderId) -> str:
    """Name of the stream of an order's payment."""
    return f"payment-{order_id}"


def claim_stream(payment_reference: str) -> str:
    """Name of the stream that records which order has taken up a confirmed payment."""
    return f"claim-{hashlib.sha256(payment_reference.encode()).hexdigest()}"


def shipment_stream(order_id: OrderId) -> str:
    """Name of the stream of an order's shipment."""
    return f"shipment-{order_id}"


def fulfillment_stream(order_id: OrderId) -> str:
    """Name of the stream of the trail of an order's saga."""
    return f"fulfillment-{order_id}"


def returns_stream(order_id: OrderId) -> str:
    """Name of the stream of the returns of an order."""
    return f"returns-{order_id}"


def request_stream(key_digest: str) -> str:
    """Name of the stream that records what an idempotency key was used for."""
    return f"request-{key_digest}"


def delivery_workflow(order_id: OrderId) -> str:
    """Id of the workflow that follows the parcel of an order."""
    return f"delivery-{order_id}"


def return_workflow(order_id: OrderId, return_id: ReturnId) -> str:
    """Id of the workflow of one return."""
    return f"return-{order_id}-{return_id}"


def job_workflow(job_id: JobId) -> str:
    """Id of the workflow of one job."""
    return f"job-{job_id}"


def customer_subject(customer_id: CustomerId | None, order_id: OrderId) -> str:
    """The subject of an order's personal data: the customer, or the order itself for a guest."""
    return order_stream(order_id) if customer_id is None else f"customer-{customer_id}"


def erasure_stream(subject: str) -> str:
    """Name of the stream that records erasures of a subject's personal data."""
    category, _, key = subject.partition("-")
    return subject if category == "customer" else f"guest-{key}"


def streams_of_order(order_id: OrderId) -> tuple[str, ...]:
    """The streams of one order except those of stock; the order's own comes first."""
    return (
        order_stream(order_id),
        payment_stream(order_id),
        shipment_stream(order_id),
        fulfillment_stream(order_id),
        returns_stream(order_id),
    )
