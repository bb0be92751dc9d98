"""What a command handler counts."""

from dataclasses import dataclass


@dataclass(slots=True)
class HandlerStats:
    """Counts since the process started.

    Attributes:
        decided: commands carried out.
        repeated: commands that had been carried out before and got their first answer again.
        conflicts: appends that met a version conflict, because another process appended first.
        given_up: commands that met too many conflicts.
    """

    decided: int = 0
    repeated: int = 0
    conflicts: int = 0
    given_up: int = 0
