"""What an import is going to do: the orders of a file, and every line accounted for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from activities.messages import OrderDocument
from domain.checks import MAX_QUANTITY
from domain.errors import MoneyOverflow
from domain.ids import CustomerId, OrderId, Sku, order_stream
from domain.money import Money
from domain.values import Address, OrderLine, PaymentTerms
from ordersaga.importing.parsing import ParsedLine, parse_line, refused
from ordersaga.importing.reader import RawLine, read_lines
from ordersaga.importing.refusals import LineReason, RefusedLine
from ordersaga.importing.text_lines import file_digest
from workflows.documents.order import document_to_json, parse_document
from workflows.documents.validation import InvalidDocument


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """An order of the file and the records that went into it."""

    document: OrderDocument
    taken: tuple[RawLine, ...]


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Everything a file says, judged.

    Attributes:
        digest: of the file's bytes; names the import.
        lines_in_file: records in the file; each is taken, refused or beyond the limit.
        lines_beyond_limit: records that were not looked at because enough orders were found.
    """

    digest: str
    currency: str
    orders: Sequence[PlannedOrder]
    refused: Sequence[RefusedLine]
    lines_in_file: int
    lines_beyond_limit: int

    @property
    def lines_taken(self) -> int:
        """Records that became part of an order."""
        return sum(len(order.taken) for order in self.orders)


def read_plan(
    path: Path, currency: str, payment: PaymentTerms, limit: int | None = None
) -> ImportPlan:
    """Read the whole file and decide what becomes of each line; nothing is changed anywhere.

    Records are grouped by invoice number in order of first appearance, wherever in the file they
    stand; `limit` ends the plan after that many orders.

    Raises:
        UnreadableFile: the file cannot be imported at all.
    """
    digest = file_digest(path)
    invoices = _by_invoice(read_lines(path))
    orders: list[PlannedOrder] = []
    refusals: list[RefusedLine] = []
    looked_at = 0
    for records in invoices:
        if limit is not None and len(orders) >= limit:
            break
        looked_at += len(records)
        order, left_out = plan_order(records, currency, payment)
        refusals += left_out
        if order is not None:
            orders.append(order)
    lines_in_file = sum(map(len, invoices))
    return ImportPlan(digest, currency, orders, refusals, lines_in_file, lines_in_file - looked_at)


def _by_invoice(records: Iterable[RawLine]) -> list[list[RawLine]]:
    groups: dict[str, list[RawLine]] = {}
    for record in records:
        # A record without an invoice number belongs to no other one.
        groups.setdefault(record.invoice or f"\0{record.number}", []).append(record)
    return list(groups.values())


def plan_order(
    records: Sequence[RawLine], currency: str, payment: PaymentTerms
) -> tuple[PlannedOrder | None, list[RefusedLine]]:
    """Make one order of the records of one invoice; None if no record can be taken.

    The first good record decides customer, country and time. A product that comes again at the
    same price adds up; at another price that record is refused and the rest goes on.
    """
    merging = _Merging(currency, payment)
    refusals: list[RefusedLine] = []
    for record in records:
        parsed = parse_line(record, currency)
        refusal = merging.take(record, parsed) if isinstance(parsed, ParsedLine) else parsed
        if refusal is not None:
            refusals.append(refusal)
    order = merging.order()
    problem = order and _problem_of(order.document)
    if order is not None and problem:
        return None, refusals + refuse_order(order, LineReason.ORDER_REFUSED, problem)
    return order, refusals


def refuse_order(order: PlannedOrder, reason: LineReason, detail: str) -> list[RefusedLine]:
    """The report's entries for an order that is refused as a whole."""
    return [refused(raw, reason, detail) for raw in order.taken]


def _problem_of(document: OrderDocument) -> str:
    """Why the saga would not accept this order; empty if it would."""
    try:
        parse_document(document_to_json(document), order_stream(document.order_id))
    except InvalidDocument as error:
        return str(error)
    return ""


class _Merging:
    """Collects the lines of one invoice."""

    def __init__(self, currency: str, payment: PaymentTerms) -> None:
        self._payment = payment
        self._first: ParsedLine | None = None
        self._lines: dict[Sku, OrderLine] = {}
        self._taken: list[RawLine] = []
        self._total = Money.zero(currency)

    def take(self, raw: RawLine, parsed: ParsedLine) -> RefusedLine | None:
        """Add a line; the refusal if it does not go with the lines before it."""
        first = self._first or parsed
        if (first.customer_id, first.country) != (parsed.customer_id, parsed.country):
            return refused(
                raw, LineReason.OTHER_CUSTOMER, "the invoice began with another customer or country"
            )
        merged = self._merged(parsed.line)
        if merged is None:
            return refused(
                raw, LineReason.OTHER_PRICE, "the invoice has this product at another price"
            )
        if merged.quantity > MAX_QUANTITY:
            detail = f"with it the order wants more than {MAX_QUANTITY:,} of this product"
            return refused(raw, LineReason.TOO_LARGE, detail)
        try:
            self._total = self._total + parsed.line.amount
        except MoneyOverflow:
            return refused(raw, LineReason.TOO_LARGE, "with it the order's total leaves 64 bits")
        self._first = first
        self._lines[merged.sku] = merged
        self._taken.append(raw)
        return None

    def _merged(self, line: OrderLine) -> OrderLine | None:
        known = self._lines.get(line.sku)
        if known is None:
            return line
        if known.unit_price != line.unit_price:
            return None
        quantity = known.quantity + line.quantity
        return OrderLine(line.sku, known.description, quantity, line.unit_price)

    def order(self) -> PlannedOrder | None:
        """The order, or None if no line was taken."""
        first = self._first
        if first is None:
            return None
        document = OrderDocument(
            order_id=first.order_id,
            customer_id=first.customer_id,
            currency=self._total.currency,
            placed_at=first.placed_at,
            lines=tuple(self._lines.values()),
            address=synthetic_address(first.order_id, first.customer_id, first.country),
            payment=self._payment,
        )
        return PlannedOrder(document, tuple(self._taken))


def synthetic_address(order_id: OrderId, customer_id: CustomerId | None, country: str) -> Address:
    """An address that says it is made up, for data that has none; always the same for an order."""
    return Address(
        name=f"Customer {customer_id}" if customer_id else f"Guest {order_id}",
        line1=f"{order_id} Example Street",
        city="Example City",
        postal_code="00000",
        country=country,
    )


def demand(orders: Iterable[PlannedOrder]) -> Counter[Sku]:
    """Pieces that the orders want, per product."""
    pieces: Counter[Sku] = Counter()
    for order in orders:
        for line in order.document.lines:
            pieces[line.sku] += line.quantity
    return pieces


def part_of(pieces: int, percent: int) -> int:
    """`percent` per cent of `pieces`, rounded up: a product ordered once gets a piece."""
    return -(-pieces * percent // 100)
