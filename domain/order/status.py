"""Where an order stands, in one word."""

from enum import StrEnum


class OrderStatus(StrEnum):
    """Where an order stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    BACKORDERED = "backordered"
    RESERVED = "reserved"
    PROCESSING = "processing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
