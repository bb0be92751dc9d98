"""Makes one order document from the records of one order."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from activities.messages import OrderDocument
from activities.orders.intake import decide_intake
from domain.errors import DomainError, InvalidValue
from domain.fields import parse_currency
from domain.ids import CustomerId, OrderId, order_id_of
from domain.order import state
from domain.order.events import OrderSubmitted
from domain.values import Contact, PaymentTerms
from ordersaga.importing import addresses
from ordersaga.importing.identifiers import Identifiers
from ordersaga.importing.line_reader import (
    LineReader,
    cut,
    line_document,
    order_adjustments,
    order_line,
    stated,
)
from ordersaga.importing.mapping import Fulfil
from ordersaga.importing.mapping import Mapping as Format
from ordersaga.importing.order_result import OrderResult, ReadOrder
from ordersaga.importing.patterns import like
from ordersaga.importing.report import Reason, shortened
from ordersaga.importing.sums import Document, PricedLine, Stated, SumsDiffer, priced
from ordersaga.importing.table import Record
from ordersaga.importing.values import Unreadable, Values
from workflows.documents.lines import line_problems


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What the command line adds to every order."""

    token: str
    currency: str | None = None


class OrderReader:
    """Makes orders of records by the rules of a format.

    Args:
        mapping: the format.
        values: reads values.
        terms: what the file does not say.
        partial: an order may lose lines that cannot be read.
    """

    def __init__(
        self, mapping: Format, values: Values, terms: OrderTerms, *, partial: bool = False
    ) -> None:
        self._mapping = mapping
        self._values = values
        self._terms = terms
        self._partial = partial
        self._now = datetime.now(UTC)
        self.identifiers = Identifiers()
        self._lines = LineReader(mapping, values, self.identifiers)

    def read(self, records: Sequence[Record]) -> ReadOrder:
        """The order, or why it is not taken; every record is in exactly one of the two."""
        number = shortened(self._values.text(records[0], self._mapping.order.number))
        result = OrderResult(number, records)
        try:
            self._read(records, result)
        except Unreadable as error:
            result.refuse(error)
        except SumsDiffer as error:
            column = self._mapping.order.total or ""
            line = records[0].number
            result.refuse(Unreadable(line, column, Reason.SUMS_DIFFER, str(error)))
        return result.finished()

    def _read(self, records: Sequence[Record], result: OrderResult) -> None:
        self._check_number(records[0])
        whole = self._whole(records)
        if rule := self._rule_against(whole):
            text = shortened(self._values.text(whole, rule.column))
            broken = next((one for one in records if one.problem), None)
            if broken and not text:  # the broken line may have had the value
                raise Unreadable(broken.number, "", Reason.INCOMPLETE_LINE, broken.problem)
            result.leave_out(records, rule.otherwise, rule.column, f"is {text!r}")
            return
        self._check_same(records)
        currency = self._currency(whole)
        goods = [line for record in records if (line := self._line(record, currency, result))]
        if not goods:
            return
        document, total = self._document(whole, currency, goods, result)
        self._check(document, total, whole, result)
        result.document = document

    def _check_number(self, record: Record) -> None:
        if record.problem and not self._values.text(record, self._mapping.order.number):
            raise Unreadable(record.number, "", Reason.INCOMPLETE_LINE, record.problem)
        self._values.required(record, self._mapping.order.number)

    def _rule_against(self, whole: Record) -> Fulfil | None:
        """The first rule by which the order is not to be fulfilled."""
        return next(
            (
                rule
                for rule in self._mapping.fulfil
                if not like(rule.only, self._values.text(whole, rule.column))
            ),
            None,
        )

    def _line(self, record: Record, currency: str, result: OrderResult) -> PricedLine | None:
        """A line of the document; None: it is no part of the order, or it is lost."""
        rule = self._lines.rule(record)
        if rule and rule.skip:
            result.leave_out([record], rule.skip, ", ".join(rule.when), "by the format's rule")
            return None
        try:
            line = self._lines.read(record, currency, rule.kind if rule else None)
        except Unreadable as error:
            if not self._partial:
                raise
            result.lose(record, error)
            return None
        result.taken.append(record)
        return line

    # --- the order -------------------------------------------------------------------------------

    def _whole(self, records: Sequence[Record]) -> Record:
        """The values of the order: of each column the first one that is not empty."""
        values = {}
        for column in self._mapping.order_columns:
            filled = (one.values.get(column, "") for one in records if not one.problem)
            values[column] = next(filter(None, filled), "")
        return Record(records[0].number, values)

    def _check_same(self, records: Sequence[Record]) -> None:
        seen: dict[str, Record] = {}
        varying = {*self._mapping.order.may_vary, *self._mapping.line_columns}
        for record in records:
            for column in self._mapping.order_columns:
                text = record.values.get(column, "")
                if not text or record.problem or column in varying:
                    continue
                first = seen.setdefault(column, record)
                written = first.values[column]
                if written != text and self._normal(column, written) != self._normal(column, text):
                    raise Unreadable(
                        record.number,
                        column,
                        Reason.DIFFERS_IN_ORDER,
                        f"is not what line {first.number} says of the same order",
                    )

    def _currency(self, whole: Record) -> str:
        column = self._mapping.order.currency
        text = self._values.text(whole, column).upper()
        code = text or self._terms.currency or self._mapping.currency or ""
        try:
            return parse_currency(code)
        except DomainError as error:
            hint = "" if text else ": the file says none, give it with --currency"
            raise Unreadable(
                whole.number, column or "", Reason.BAD_VALUE, f"{error}{hint}"
            ) from None

    def _document(
        self, whole: Record, currency: str, goods: list[PricedLine], result: OrderResult
    ) -> tuple[OrderDocument, int]:
        order, values = self._mapping.order, self._values
        file_says = Stated(
            values.minor(whole, order.subtotal, currency),
            values.minor(whole, order.total, currency),
            order.subtotal_before_discounts,
        )
        services = list(self._services(whole, currency))
        amounts = list(stated(self._mapping.adjustments, values, whole, currency))
        if result.lost:  # the sums of the file are those of all its lines
            file_says = Stated(None, None)
        sums = priced(goods, services, amounts, file_says)
        number = values.text(whole, order.number)
        customer_id = self._customer(whole)
        adjustments, total = [*sums.adjustments], sums.total
        if paid := self._gift_card(whole, total):
            adjustments, total = [*adjustments, paid], 0
        email = values.text(whole, order.email)
        document = OrderDocument(
            order_id=OrderId(number) if order.is_id else order_id_of(number),
            customer_id=CustomerId(customer_id) if customer_id else None,
            currency=currency,
            placed_at=values.moment(whole, order.placed_at),
            lines=tuple(
                order_line(line, place, currency) for place, line in enumerate(sums.lines, start=1)
            ),
            address=addresses.address_of(self._mapping, values, whole, number, customer_id),
            payment=self._payment(whole) if total else None,
            adjustments=order_adjustments(adjustments, currency),
            reference=None if order.is_id else number,
            customer=Contact(email) if email else None,
            metadata={
                name: text[:500]
                for name, column in order.metadata.items()
                if (text := values.text(whole, column))
            },
        )
        return document, total

    def _payment(self, whole: Record) -> PaymentTerms:
        order, values = self._mapping.order, self._values
        if reference := values.text(whole, order.confirmed):
            return PaymentTerms(confirmed=reference)
        return PaymentTerms(values.text(whole, order.token) or self._terms.token)

    def _customer(self, whole: Record) -> str:
        column = self._mapping.order.customer_id
        written = self._values.text(whole, column)
        if not written or column is None:
            return ""
        return self.identifiers.take(column, written, self._normal(column, written), whole.number)

    def _normal(self, column: str, text: str) -> str:
        is_number = column in self._mapping.whole_numbers
        return re.sub(r"[.,]0+$", "", text) if is_number else text

    def _services(self, whole: Record, currency: str) -> Iterator[PricedLine]:
        for rule in self._mapping.services:
            minor = self._values.minor(whole, rule.column, currency)
            if minor:
                text = self._values.text(whole, rule.described_by) or rule.description
                line = line_document(rule.kind.value, text, 1, minor)
                yield PricedLine(line, minor)

    def _gift_card(self, whole: Record, total: int) -> Document | None:
        rule = self._mapping.gift_card
        text = self._values.text(whole, rule.column) if rule else ""
        if rule is None or not total or not like(rule.part, text):
            return None
        if not like(rule.whole, text):
            detail = "a gift card paid a part, and the file does not say how much: place it by hand"
            raise Unreadable(whole.number, rule.column, Reason.BAD_VALUE, detail)
        return {"kind": "gift_card", "amount_minor": -total, "description": cut(text)}

    def _check(
        self, document: OrderDocument, total: int, whole: Record, result: OrderResult
    ) -> None:
        """Raise Unreadable where the domain would refuse the order, or find another `total`."""
        for first in line_problems(document.lines):
            raise self._refusal(first.field, first.problem, whole, result)
        try:
            *_, submitted = decide_intake(document, state.INITIAL, now=self._now)
        except InvalidValue as error:
            raise self._refusal(error.field, error.problem, whole, result) from None
        except DomainError as error:
            raise self._refusal("", str(error), whole, result) from None
        if isinstance(submitted, OrderSubmitted) and submitted.total.minor != total:
            problem = f"is {total}, but lines and adjustments make {submitted.total.minor}"
            raise self._refusal("total", problem, whole, result)

    def _refusal(self, field: str, problem: str, whole: Record, result: OrderResult) -> Unreadable:
        line, column = self._place(field, whole, result)
        detail = shortened(f"{field} {problem}".lstrip())
        return Unreadable(line, column, Reason.ORDER_REFUSED, detail)

    def _place(self, field: str, whole: Record, result: OrderResult) -> tuple[int, str]:
        """Line and column of the file from which a field of the document comes."""
        match field.split("."):
            case ["lines", place, *rest] if int(place) < len(result.taken):
                columns = self._mapping.line
                by_field = {
                    "sku": columns.sku,
                    "description": columns.description,
                    "quantity": columns.quantity,
                    "unit_price": columns.price,
                    "line_id": columns.line_id or "",
                }
                return result.taken[int(place)].number, by_field.get(rest[0] if rest else "", "")
            case ["address", part]:
                return whole.number, addresses.column(self._mapping, self._values, whole, part)
            case [("order_id" | "reference"), *_]:
                return whole.number, self._mapping.order.number
            case ["customer", *_]:
                return whole.number, self._mapping.order.email or ""
            case ["customer_id"]:
                return whole.number, self._mapping.order.customer_id or ""
            case ["placed_at"]:
                return whole.number, self._mapping.order.placed_at or ""
            case _:
                return whole.number, ""
