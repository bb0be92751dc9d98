"""Commands of a customer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordErasure:
    """Record that a subject's data keys were destroyed; the same keys again change nothing."""

    subject: str
    keys: tuple[str, ...]
    reason: str
