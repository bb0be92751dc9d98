"""What becomes of each record of an order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from activities.messages import OrderDocument
from ordersaga.importing.report import Entry, Outcome, Reason, shortened
from ordersaga.importing.table import Record
from ordersaga.importing.values import Unreadable


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """What became of an order: its document with the lines it was made of, and the others."""

    document: OrderDocument | None
    taken: list[int]
    entries: list[Entry]


class OrderResult:
    """Collects what becomes of the records of one order."""

    def __init__(self, number: str, records: Sequence[Record]) -> None:
        self._number = number
        self._records = records
        self._entries: dict[int, Entry] = {}
        self.taken: list[Record] = []
        self.lost = False
        self.document: OrderDocument | None = None

    def leave_out(self, records: Sequence[Record], reason: str, column: str, detail: str) -> None:
        """By a rule of the format."""
        for record in records:
            self._entries[record.number] = self._entry(
                record.number, column, Outcome.LEFT_OUT, reason, detail
            )

    def lose(self, record: Record, error: Unreadable) -> None:
        """Refuse one line; the order goes on without it."""
        self.lost = True
        self._entries[record.number] = self._refusal(error)

    def refuse(self, error: Unreadable) -> None:
        """Refuse the whole order because of one line."""
        self.document, self.taken = None, []
        other = replace(
            self._refusal(error),
            column="",
            reason=Reason.OTHER_LINE,
            detail=f"its order is refused because of line {error.line}",
        )
        for record in self._records:
            self._entries.setdefault(record.number, replace(other, line=record.number))
        self._entries[error.line] = self._refusal(error)

    def finished(self) -> ReadOrder:
        """What became of it."""
        entries = [self._entries[line] for line in sorted(self._entries)]
        taken = [record.number for record in self.taken] if self.document else []
        return ReadOrder(self.document, taken, entries)

    def _refusal(self, error: Unreadable) -> Entry:
        return self._entry(error.line, error.column, Outcome.REFUSED, error.reason, error.detail)

    def _entry(self, line: int, column: str, outcome: Outcome, reason: str, detail: str) -> Entry:
        return Entry(line, self._number, column, outcome, reason, shortened(detail))
