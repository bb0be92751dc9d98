"""Plans an import: the orders of a file, with every line accounted for."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from activities.messages import OrderDocument
from domain.ids import Sku
from domain.lines import pieces_by_sku
from ordersaga.importing import mapping as formats
from ordersaga.importing.dates import DateProof
from ordersaga.importing.errors import UnreadableFile
from ordersaga.importing.mapping import Mapping as Format
from ordersaga.importing.numbers import DecimalProof
from ordersaga.importing.order_reader import OrderReader, OrderTerms
from ordersaga.importing.order_result import ReadOrder
from ordersaga.importing.report import Entry, Outcome, Reason, shortened
from ordersaga.importing.source import Source
from ordersaga.importing.table import Header, Record, find_header, records
from ordersaga.importing.values import Notation, Values
from ordersaga.importing.workspace import Workspace
from workflows.documents.order import parse_document
from workflows.documents.validation import InvalidDocument

JSON_LINES: Final = "jsonl"
OnRead = Callable[[int], None]
"""Called with the number of lines that were just read, for a progress display."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to read, and how.

    Attributes:
        format: a name of `formats.FORMATS` or ``jsonl``; None: what the header says.
        map: a mapping file; it is the format.
        date_order, decimal, time_zone, encoding: what the file does not prove.
        partial: an order may lose lines that cannot be read.
        limit: the most orders.
    """

    file: Path
    token: str = "tok_visa"  # noqa: S105  a test token of the sandbox, no secret
    format: str | None = None
    map: Path | None = None
    currency: str | None = None
    date_order: str | None = None
    decimal: str | None = None
    time_zone: str | None = None
    encoding: str | None = None
    partial: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """An order of the file, and the lines that it was made of."""

    document: OrderDocument
    lines: tuple[int, ...]


@dataclass
class ImportPlan:
    """The orders of a file, kept outside memory, and what is not taken.

    Attributes:
        format: the name of the format.
        digest: of the file's bytes; identifies the import.
        demand: ordered pieces by product.
        lines_in_file: records; each is planned, left out, refused or beyond the limit.
        lines_planned, lines_beyond_limit: of these.
        orders_refused, orders_left_out: orders of which nothing is taken.
        ids_unified: ids that were written in several forms.
        remarks: for people.
    """

    workspace: Workspace
    format: str = ""
    digest: str = ""
    demand: Counter[Sku] = field(default_factory=Counter)
    lines_in_file: int = 0
    lines_planned: int = 0
    lines_beyond_limit: int = 0
    orders_refused: int = 0
    orders_left_out: int = 0
    ids_unified: int = 0
    remarks: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Planned orders."""
        return self.workspace.count_orders()

    def orders(self) -> Iterator[PlannedOrder]:
        """The planned orders, in the sequence of the file."""
        for lines, document in self.workspace.orders():
            yield PlannedOrder(document, lines)

    def refuse(self, order: PlannedOrder, reason: Reason, detail: str) -> None:
        """Put an order on the report that the event store refuses."""
        document = order.document
        number = shortened(document.reference or document.order_id)
        self.workspace.add_entries(
            Entry(line, number, "", Outcome.REFUSED, reason, shortened(detail))
            for line in order.lines
        )


@contextmanager
def read_plan(request: Request, read: OnRead = lambda _: None) -> Iterator[ImportPlan]:
    """Read the whole file and plan what happens to each line; changes nothing.

    Raises:
        UnreadableFile: the file cannot be imported.
        BadMapping: the mapping file cannot be used.
    """
    plan = ImportPlan(Workspace())
    try:
        _Planning(request, plan, read).run()
        yield plan
    finally:
        plan.workspace.close()


class _Planning:
    def __init__(self, request: Request, plan: ImportPlan, read: OnRead) -> None:
        self._request = request
        self._plan = plan
        self._read = read
        self._source = Source(request.file, request.encoding)

    def run(self) -> None:
        candidates = self._candidates()
        if self._request.map and (own := candidates[str(self._request.map)]).encoding:
            self._source = Source(self._request.file, self._request.encoding or own.encoding)
        lines = self._source.lines()
        first = next(lines, "")
        lines = self._again(first, lines)
        requested = self._request.format
        if requested == JSON_LINES or (
            requested is None
            and not self._request.map
            and first.lstrip("\ufeff \t").startswith("{")
        ):
            self._read_documents(lines)
        else:
            self._read_table(lines, candidates)
        self._plan.digest = self._source.digest

    @staticmethod
    def _again(first: str, lines: Iterator[str]) -> Iterator[str]:
        if first:
            yield first
        yield from lines

    def _candidates(self) -> Mapping[str, Format]:
        if self._request.map is not None:
            return {str(self._request.map): formats.read_mapping(self._request.map)}
        requested = self._request.format
        names = formats.FORMATS if requested in (None, JSON_LINES) else (requested or "",)
        return {name: formats.shipped(name) for name in names}

    # --- documents -------------------------------------------------------------------------------

    def _read_documents(self, lines: Iterable[str]) -> None:
        plan = self._plan
        plan.format = JSON_LINES
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            self._read(1)
            plan.lines_in_file += 1
            if self._is_full():
                plan.lines_beyond_limit += 1
                continue
            try:
                document = parse_document(line.encode(), None)
            except InvalidDocument as error:
                detail = shortened(str(error))
                entry = Entry(number, "", "", Outcome.REFUSED, Reason.ORDER_REFUSED, detail)
                self._keep(ReadOrder(None, [], [entry]))
            else:
                self._add(document, [number])

    # --- tables ----------------------------------------------------------------------------------

    def _read_table(self, lines: Iterator[str], candidates: Mapping[str, Format]) -> None:
        header, lines = find_header(self._source.name, lines, candidates)
        mapping = candidates[header.format]
        self._plan.format = header.format
        notation = self._load(lines, header, mapping)
        reader = OrderReader(
            mapping,
            Values(mapping, notation),
            OrderTerms(self._request.token, self._request.currency),
            partial=self._request.partial,
        )
        self._plan.lines_in_file = self._plan.workspace.count_lines()
        for group in self._plan.workspace.orders_of_lines():
            if self._is_full():
                self._plan.lines_beyond_limit += len(group)
            else:
                self._keep(reader.read(group))
        self._plan.ids_unified = reader.identifiers.unified()
        self._plan.workspace.add_entries(reader.identifiers.entries())
        self._remark(header, mapping, notation)

    def _load(self, lines: Iterable[str], header: Header, mapping: Format) -> Notation:
        """Keep all records, and decide how the file writes numbers and dates."""
        decimals, dates = DecimalProof(), DateProof()
        number, placed_at = mapping.order.number, mapping.order.placed_at

        def seen() -> Iterator[tuple[str, Record]]:
            for record in records(self._source.name, lines, header, mapping.strip):
                self._read(1)
                for column in mapping.amounts:
                    text = record.values.get(column, "")
                    decimals.see(text, f"line {record.number}, {column}")
                if placed_at and (text := record.values.get(placed_at, "")):
                    dates.see(text, f"line {record.number}, {placed_at}")
                yield record.values.get(number, ""), record

        self._plan.workspace.add_lines(seen())
        try:
            decimal = self._request.decimal or decimals.decided(mapping.decimal)
        except ValueError as error:
            raise self._unproved(f"{error}: give it with --decimal") from None
        try:
            orders = dates.decided(self._request.date_order or mapping.date_order)
        except ValueError as error:
            raise self._unproved(f"{error}: give it with --date-order") from None
        return Notation(decimal, orders, ZoneInfo(self._request.time_zone or mapping.time_zone))

    def _unproved(self, problem: str) -> UnreadableFile:
        return UnreadableFile(self._source.name, problem)

    def _remark(self, header: Header, mapping: Format, notation: Notation) -> None:
        orders = sorted(set(notation.date_orders.values()))
        dates = f", dates {' and '.join(orders)}" if orders else ""
        self._plan.remarks.append(
            f"format {header.format}: separator {header.separator_name}, decimal sign "
            f"{notation.decimal}{dates}, time zone {notation.zone.key}"
        )
        if header.line > 1:
            self._plan.remarks.append(f"line {header.line} is the header; what is above is ignored")
        names_payments = mapping.order.token or mapping.order.confirmed
        if mapping.paid_at_shop and self._plan.size and not names_payments:
            self._plan.remarks.append(
                "these orders were paid in the shop: ordersaga charges the payment token again; "
                "the default token moves no real money"
            )

    # --- orders ----------------------------------------------------------------------------------

    def _is_full(self) -> bool:
        return self._request.limit is not None and self._plan.size >= self._request.limit

    def _keep(self, order: ReadOrder) -> None:
        plan = self._plan
        plan.workspace.add_entries(order.entries)
        if order.document is not None:
            self._add(order.document, order.taken)
        elif any(entry.outcome is Outcome.REFUSED for entry in order.entries):
            plan.orders_refused += 1
        else:
            plan.orders_left_out += 1

    def _add(self, document: OrderDocument, lines: list[int]) -> None:
        plan = self._plan
        earlier = plan.workspace.add_order(lines, document)
        if earlier is not None:
            detail = f"line {earlier} has an order with the same id"
            plan.refuse(PlannedOrder(document, tuple(lines)), Reason.ORDER_REPEATED, detail)
            plan.orders_refused += 1
            return
        plan.lines_planned += len(lines)
        plan.demand.update(pieces_by_sku(document.lines))


def part_of(pieces: int, percent: int) -> int:
    """`percent` per cent of `pieces`, rounded up: a product ordered once gets a piece."""
    return -(-pieces * percent // 100)


def demand(orders: Iterable[PlannedOrder]) -> Counter[Sku]:
    """Ordered pieces per product."""
    pieces: Counter[Sku] = Counter()
    for order in orders:
        pieces.update(pieces_by_sku(order.document.lines))
    return pieces
