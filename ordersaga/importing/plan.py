"""Plans an import: the orders of a file, with every line accounted for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from activities.messages import OrderDocument
from domain.fields import MAX_AMOUNT, MAX_QUANTITY
from domain.ids import CustomerId, OrderId, Sku, order_stream
from domain.money import Money
from domain.values import Address, OrderLine, PaymentTerms
from ordersaga.importing.parsing import ParsedLine, parse_record, refused
from ordersaga.importing.reader import RawLine, read_lines
from ordersaga.importing.refusals import LineReason, RefusedLine
from ordersaga.importing.text_lines import file_digest
from workflows.documents.order import document_to_json, parse_document
from workflows.documents.validation import InvalidDocument


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """An order of the file, and the records that it was made from."""

    document: OrderDocument
    taken: tuple[RawLine, ...]


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """The orders and refused lines of a file.

    Attributes:
        digest: of the file's bytes; identifies the import.
        lines_in_file: records in the file; each is imported, refused or beyond the limit.
        lines_beyond_limit: records that were not read because the limit of orders was reached.
    """

    digest: str
    orders: Sequence[PlannedOrder]
    refused: Sequence[RefusedLine]
    lines_in_file: int
    lines_beyond_limit: int


def read_plan(
    path: Path, currency: str, payment: PaymentTerms, limit: int | None = None
) -> ImportPlan:
    """Read the whole file and plan what happens to each line; changes nothing.

    Records are grouped by invoice number, wherever they are in the file, in the order of first
    appearance. `limit` ends the plan after that many orders.

    Raises:
        UnreadableFile: the file cannot be imported.
    """
    digest = file_digest(path)
    invoices = _by_invoice(read_lines(path))
    orders: list[PlannedOrder] = []
    refusals: list[RefusedLine] = []
    planned_lines = 0
    for records in invoices:
        if limit is not None and len(orders) >= limit:
            break
        planned_lines += len(records)
        order, left_out = plan_order(records, currency, payment)
        refusals += left_out
        if order is not None:
            orders.append(order)
    lines_in_file = sum(map(len, invoices))
    return ImportPlan(digest, orders, refusals, lines_in_file, lines_in_file - planned_lines)


def _by_invoice(records: Iterable[RawLine]) -> list[list[RawLine]]:
    groups: dict[str, list[RawLine]] = {}
    for record in records:
        # Records without an invoice number do not belong together.
        groups.setdefault(record.invoice or f"\0{record.number}", []).append(record)
    return list(groups.values())


def plan_order(
    records: Sequence[RawLine], currency: str, payment: PaymentTerms
) -> tuple[PlannedOrder | None, list[RefusedLine]]:
    """Make one order from the records of one invoice; None if no record is valid.

    The first valid record determines customer, country and time. Records of the same product and
    price are added up; a record with another price is refused.
    """
    merging = _Merging(currency, payment)
    refusals: list[RefusedLine] = []
    for record in records:
        parsed = parse_record(record, currency)
        refusal = merging.take(record, parsed) if isinstance(parsed, ParsedLine) else parsed
        if refusal is not None:
            refusals.append(refusal)
    order = merging.order()
    problem = order and _problem_of(order.document)
    if order is not None and problem:
        return None, refusals + refuse_order(order, LineReason.ORDER_REFUSED, problem)
    return order, refusals


def refuse_order(order: PlannedOrder, reason: LineReason, detail: str) -> list[RefusedLine]:
    """The report entries of an order that is refused as a whole."""
    return [refused(raw, reason, detail) for raw in order.taken]


def _problem_of(document: OrderDocument) -> str:
    """Why the saga would refuse this order; empty if it would not."""
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
        """Add a line, or return its refusal if it does not match the lines before it."""
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
            detail = f"the order would have more than {MAX_QUANTITY:,} of this product"
            return refused(raw, LineReason.TOO_LARGE, detail)
        total = self._total + parsed.line.amount
        if total.minor > MAX_AMOUNT:
            detail = f"the order would cost more than {MAX_AMOUNT:,} minor units"
            return refused(raw, LineReason.TOO_LARGE, detail)
        self._total = total
        self._first = first
        self._lines[merged.sku] = merged
        self._taken.append(raw)
        return None

    def _merged(self, line: OrderLine) -> OrderLine | None:
        earlier = self._lines.get(line.sku)
        if earlier is None:
            return line
        if earlier.unit_price != line.unit_price:
            return None
        quantity = earlier.quantity + line.quantity
        return OrderLine(line.sku, earlier.description, quantity, line.unit_price)

    def order(self) -> PlannedOrder | None:
        """The order; None if no line was added."""
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
    """A recognisably made-up address, as the data has none; always the same for an order."""
    return Address(
        name=f"Customer {customer_id}" if customer_id else f"Guest {order_id}",
        line1=f"{order_id} Example Street",
        city="Example City",
        postal_code="00000",
        country=country,
    )


def demand(orders: Iterable[PlannedOrder]) -> Counter[Sku]:
    """Ordered pieces per product."""
    pieces: Counter[Sku] = Counter()
    for order in orders:
        for line in order.document.lines:
            pieces[line.sku] += line.quantity
    return pieces


def part_of(pieces: int, percent: int) -> int:
    """`percent` per cent of `pieces`, rounded up: a product ordered once gets a piece."""
    return -(-pieces * percent // 100)
