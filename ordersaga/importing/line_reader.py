"""Makes one line of an order document from one record."""

from collections.abc import Iterable, Iterator, Sequence

from domain.fields import MAX_DESCRIPTION
from domain.ids import LineId
from domain.lines import Adjustment, AdjustmentKind, LineKind, OrderLine
from domain.money import Money
from ordersaga.importing.identifiers import Identifiers, sku_of
from ordersaga.importing.mapping import AdjustmentRule, LineRule
from ordersaga.importing.mapping import Mapping as Format
from ordersaga.importing.patterns import compiled
from ordersaga.importing.report import Reason
from ordersaga.importing.sums import Amount, Document, PricedLine
from ordersaga.importing.table import Record
from ordersaga.importing.values import Unreadable, Values


class LineReader:
    """Reads lines by the rules of a format, and brings SKUs to their normal form."""

    def __init__(self, mapping: Format, values: Values, identifiers: Identifiers) -> None:
        self._mapping = mapping
        self._values = values
        self._identifiers = identifiers
        self._rules = [
            (rule, [(column, compiled(form).fullmatch) for column, form in rule.when.items()])
            for rule in mapping.lines
        ]

    def rule(self, record: Record) -> LineRule | None:
        """The first rule of the format that fits the line."""
        if record.problem:
            return None
        for rule, tests in self._rules:  # loops: each line comes here, and `all` takes longer
            for column, matches in tests:
                if not matches(self._values.text(record, column)):
                    break
            else:
                return rule
        return None

    def read(self, record: Record, currency: str, kind: str | None) -> PricedLine:
        """The line; `kind` is that of a rule, None: goods. Raises Unreadable."""
        if record.problem:
            raise Unreadable(record.number, "", Reason.INCOMPLETE_LINE, record.problem)
        columns, values = self._mapping.line, self._values
        description = values.required(record, columns.description)
        quantity = values.quantity(record, columns.quantity)
        price, amount = values.price(record, columns.price, quantity, currency)
        line = line_document(kind or "goods", description, quantity, price)
        if line_id := values.text(record, columns.line_id):
            line["line_id"] = line_id
        if sku := self._sku(record, is_goods=kind is None):
            line["sku"] = sku
        if rounding := amount - price * quantity:
            line["adjustments"] = [{"kind": "discount", "amount_minor": rounding}]
            line["adjustments"][0]["description"] = "rounding"
        adjustments = tuple(stated(columns.adjustments, values, record, currency))
        return PricedLine(line, amount, adjustments)

    def _sku(self, record: Record, *, is_goods: bool) -> str:
        column = self._mapping.line.sku
        written = self._values.text(record, column)
        if written:
            cased = written.upper() if self._mapping.line.sku_case == "upper" else written
            return self._identifiers.take(column, written, sku_of(cased), record.number)
        if is_goods:
            detail = "is empty: goods need a SKU; give it one, or make it a service by a rule"
            raise Unreadable(record.number, column, Reason.MISSING_FIELD, detail)
        return ""


def stated(
    rules: Sequence[AdjustmentRule], values: Values, record: Record, currency: str
) -> Iterator[Amount]:
    """The adjustments that the file states; raises Unreadable."""
    for rule in rules:
        minor = values.minor(record, rule.column, currency) or 0
        text = values.text(record, rule.described_by)
        # A discount takes off, whether it is written with a sign or without.
        yield Amount(rule, minor if rule.kind == "tax" else abs(minor), cut(text))


def line_document(kind: str, description: str, quantity: int, price: int) -> Document:
    """A line of the document without SKU and adjustments."""
    return {
        "kind": kind,
        "description": cut(description),
        "quantity": quantity,
        "unit_price_minor": price,
    }


def order_line(line: Document, place: int, currency: str) -> OrderLine:
    """A line of the document as a domain value, not yet checked; `place` counts from 1."""
    return OrderLine(
        LineId(line.get("line_id") or str(place)),
        line.get("sku"),
        line["description"],
        line["quantity"],
        Money(line["unit_price_minor"], currency),
        LineKind(line["kind"]),
        order_adjustments(line.get("adjustments", ()), currency),
    )


def order_adjustments(adjustments: Iterable[Document], currency: str) -> tuple[Adjustment, ...]:
    """Adjustments of the document as domain values, not yet checked."""
    return tuple(
        Adjustment(
            AdjustmentKind(one["kind"]),
            Money(one["amount_minor"], currency),
            one.get("included", False),
            one["description"],
        )
        for one in adjustments
    )


def cut(text: str) -> str:
    """A text that explains, cut to the longest description."""
    return text if len(text) <= MAX_DESCRIPTION else text[: MAX_DESCRIPTION - 1] + "…"
