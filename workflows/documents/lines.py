"""Lines and adjustments of the order document."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Final, Self

from pydantic import ConfigDict, Field, model_validator

from domain import fields
from domain.ids import LineId, Sku
from domain.lines import LOWERING, Adjustment, AdjustmentKind, LineKind, OrderLine
from domain.money import Money
from workflows.documents.parts import JsonSchema, LineIdText, SkuText, Strict, one_line, text
from workflows.documents.validation import FieldProblem, by_domain, named_by_domain

_ANY: Final = "XTS"
"""The code that ISO 4217 keeps for tests, where only the amounts matter."""
_NAMES: Final = {"amount": "amount_minor", "unit_price": "unit_price_minor"}
"""Fields of the document that hold the amounts of domain values."""


_LOWERS: Final[JsonSchema] = {
    "if": {"properties": {"kind": {"enum": sorted(kind.value for kind in LOWERING)}}},
    "then": {"properties": {"amount_minor": {"type": "integer", "maximum": 0}}},
}
_PAYS: Final[JsonSchema] = {
    "if": {"properties": {"kind": {"const": AdjustmentKind.GIFT_CARD.value}}},
    "then": {"properties": {"included": {"const": False}}},
}
_IS_GOODS: Final[JsonSchema] = {"properties": {"kind": {"const": LineKind.GOODS.value}}}
HAS_GOODS: Final[JsonSchema] = {
    "properties": {"lines": {"type": "array", "contains": {"type": "object", **_IS_GOODS}}}
}
"""Of an order, for the JSON Schema; a line without a kind is goods too."""


class AdjustmentModel(Strict):
    """An amount added to the sum of the line or the order; negative: taken off."""

    model_config = ConfigDict(json_schema_extra={"allOf": [_LOWERS, _PAYS]})

    kind: AdjustmentKind
    amount_minor: Annotated[
        int,
        Field(
            ge=-fields.MAX_AMOUNT,
            le=fields.MAX_AMOUNT,
            description="signed, in minor units; a discount and a gift card are not above 0",
        ),
    ]
    included: Annotated[
        bool,
        Field(
            description="true: it only informs, because the prices contain it, as they do VAT; "
            "it changes no sum"
        ),
    ] = False
    description: Annotated[
        str,
        by_domain(
            lambda value, field: fields.parse_optional_text(value, field, fields.MAX_DESCRIPTION)
        ),
        Field(json_schema_extra={"pattern": one_line(fields.MAX_DESCRIPTION, min_length=0)}),
    ] = ""

    def to_domain(self, currency: str) -> Adjustment:
        """The adjustment as a domain value."""
        return Adjustment(
            self.kind, Money(self.amount_minor, currency), self.included, self.description
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        named_by_domain(lambda: fields.parse_adjustment(self.to_domain(_ANY), _ANY, ""), _NAMES)
        return self


Adjustments = Annotated[list[AdjustmentModel], Field(max_length=fields.MAX_ADJUSTMENTS)]


class LineModel(Strict):
    """A number of pieces of goods, or a service, at one price."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": _IS_GOODS,
            "then": {"required": ["sku"], "properties": {"sku": {"type": "string"}}},
        }
    )

    line_id: Annotated[
        LineIdText | None,
        Field(description="names the line in amendments and returns; default: its number, from 1"),
    ] = None
    kind: Annotated[
        LineKind,
        Field(
            description="goods take stock and are shipped; all others are services and are not: "
            "shipping, tip, gift_wrap, digital, service"
        ),
    ] = LineKind.GOODS
    sku: Annotated[
        SkuText | None, Field(description="goods need it; of a service it only informs")
    ] = None
    description: Annotated[str, *text(fields.parse_description, fields.MAX_DESCRIPTION)]
    quantity: Annotated[int, Field(ge=1, le=fields.MAX_QUANTITY, description="pieces")]
    unit_price_minor: Annotated[
        int,
        Field(
            ge=0,
            le=fields.MAX_AMOUNT,
            description="price of one piece in minor units, such as pence; 0: free",
        ),
    ]
    adjustments: Adjustments = Field(
        default_factory=list, description="of this line; together with them it costs at least 0"
    )

    def to_domain(self, number: int, currency: str) -> OrderLine:
        """The line as a domain value; `number` is its place, from 1."""
        return OrderLine(
            LineId(self.line_id or str(number)),
            Sku(self.sku) if self.sku else None,
            self.description,
            self.quantity,
            Money(self.unit_price_minor, currency),
            self.kind,
            tuple(one.to_domain(currency) for one in self.adjustments),
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        named_by_domain(lambda: fields.parse_line(self.to_domain(1, _ANY), ""), _NAMES)
        return self


def line_problems(lines: Sequence[LineModel | OrderLine]) -> Iterator[FieldProblem]:
    """What is wrong with the lines together."""
    seen: set[str] = set()
    pieces: Counter[str] = Counter()
    for index, line in enumerate(lines):
        line_id = line.line_id or str(index + 1)
        if line_id in seen:
            yield FieldProblem(f"lines.{index}.line_id", "is that of a line above")
        seen.add(line_id)
        if line.sku and line.kind is LineKind.GOODS:
            pieces[line.sku] += line.quantity
            if pieces[line.sku] > fields.MAX_QUANTITY:
                yield FieldProblem(
                    f"lines.{index}.quantity",
                    f"the same SKU is above: together at most {fields.MAX_QUANTITY} pieces",
                )


def line_to_json(line: OrderLine) -> dict[str, Any]:
    """The JSON form of a line."""
    return {
        "line_id": line.line_id,
        **({} if line.kind is LineKind.GOODS else {"kind": line.kind.value}),
        **({} if line.code is None else {"sku": line.code}),
        "description": line.description,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price.minor,
        **adjustments_to_json(line.adjustments),
    }


def adjustments_to_json(adjustments: Iterable[Adjustment]) -> dict[str, Any]:
    """The adjustments as a part of a JSON object; empty if there are none."""
    listed = [
        {
            "kind": one.kind.value,
            "amount_minor": one.amount.minor,
            "included": one.included,
            "description": one.description,
        }
        for one in adjustments
    ]
    return {"adjustments": listed} if listed else {}
