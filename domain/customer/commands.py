"""Commands to a customer."""

from dataclasses import dataclass

# --- customer ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordErasure:
    """Record that the data keys of a subject are destroyed; the same keys again change nothing."""

    subject: str
    keys: tuple[str, ...]
    reason: str
