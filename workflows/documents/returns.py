"""The return document and the decisions about it, validated field by field."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from activities.returns.messages import RefundDecision, RestockDecision, ReturnDocument
from domain import fields, ids
from domain.ids import LineId, OrderId, ReturnId, return_workflow
from domain.lines import Pieces
from domain.order.drafting import MAX_LINES
from domain.returns.values import ReturnKind
from workflows.documents.messages import Actor, Note
from workflows.documents.parts import JsonSchema, LineIdText, OrderIdText, pattern
from workflows.documents.validation import FieldProblem, InvalidDocument, refusals, validate

# No hyphen, so that return-<order id>-<return id> is unambiguous.
_ReturnId = Annotated[str, *pattern(ids.parse_return_id, "^[A-Za-z0-9][A-Za-z0-9._]{0,63}$")]
OWN_IDS: Final = frozenset(kind.value for kind in ReturnKind if kind is not ReturnKind.CUSTOMER)
"""Return ids of the returns that deliveries open: one of each kind for an order."""


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class PiecesModel(_Strict):
    """A number of pieces of one line of the order."""

    line_id: LineIdText
    quantity: Annotated[int, Field(ge=1, le=fields.MAX_QUANTITY, description="pieces")]


class AmountModel(_Strict):
    """An amount in the order's currency."""

    amount_minor: Annotated[
        int, Field(ge=1, le=fields.MAX_AMOUNT, description="minor units, such as pence")
    ]


def _form(value: object) -> str:
    if isinstance(value, dict | BaseModel):
        return "as_amount"
    return "as_list" if isinstance(value, list | tuple) else "as_word"


_List = Annotated[list[PiecesModel], Field(min_length=1, max_length=MAX_LINES)]
_Lines = Annotated[
    Annotated[Literal["all"], Tag("as_word")] | Annotated[_List, Tag("as_list")],
    Discriminator(_form),
]
_Refund = Annotated[
    Annotated[Literal["full", "none"], Tag("as_word")] | Annotated[AmountModel, Tag("as_amount")],
    Discriminator(_form),
]
_Restock = Annotated[
    Annotated[Literal["all", "none"], Tag("as_word")] | Annotated[_List, Tag("as_list")],
    Discriminator(_form),
]


_CUSTOMERS_CHOICE: Final[JsonSchema] = {
    "properties": {
        "kind": {"const": ReturnKind.CUSTOMER.value},
        "return_id": {"not": {"enum": sorted(OWN_IDS)}},
    }
}


def _id_is(kind: str) -> JsonSchema:
    """For the JSON Schema: a return that a delivery opens has its kind as id."""
    return {
        "required": ["kind"],
        "properties": {"kind": {"const": kind}, "return_id": {"const": kind}},
    }


class ReturnDocumentModel(_Strict):
    """A return: goods or money of a completed order go back."""

    model_config = ConfigDict(
        title="ReturnDocument",
        json_schema_extra={"anyOf": [_CUSTOMERS_CHOICE, *map(_id_is, sorted(OWN_IDS))]},
    )

    order_id: OrderIdText
    return_id: Annotated[
        _ReturnId, Field(description="the workflow id is return-<order_id>-<return_id>")
    ]
    kind: ReturnKind = ReturnKind.CUSTOMER
    lines: Annotated[
        _Lines,
        Field(
            description='what comes back; "all": everything that is not in another return, '
            "services included"
        ),
    ]
    refund: Annotated[
        _Refund | None,
        Field(
            description="full: what was paid for the lines, which is their share of the total; "
            "omitted: decided later"
        ),
    ] = None
    restock: Annotated[
        _Restock | None,
        Field(
            description="what goes back into stock; all: all goods that came back; "
            "omitted: decided later"
        ),
    ] = None
    actor: Actor
    reason: Note


class DecideRefundMessage(_Strict):
    """``decide_refund``: whether money is given back, and how much."""

    refund: _Refund
    actor: Actor
    reason: Note


class DecideRestockMessage(_Strict):
    """``decide_restock``: what goes back into stock."""

    restock: _Restock
    actor: Actor
    reason: Note


def parse_return(raw: object, workflow_id: str | None = None) -> ReturnDocument:
    """Validate a return document.

    Args:
        raw: the JSON text as bytes, or the JSON value as Python values.
        workflow_id: the return's id, which must be ``return-<order_id>-<return_id>``; None: not
            known yet.

    Raises:
        InvalidDocument: names every invalid field.
    """
    model = validate(ReturnDocumentModel, raw, "document")
    with refusals("document"):
        if problems := tuple(_problems(model, workflow_id)):
            raise InvalidDocument(problems)
        return _to_domain(model)


def _to_domain(model: ReturnDocumentModel) -> ReturnDocument:
    return ReturnDocument(
        OrderId(model.order_id),
        ReturnId(model.return_id),
        model.kind,
        None if model.lines == "all" else pieces_of(model.lines),
        refund_decision(model.refund, model.actor, model.reason),
        restock_decision(model.restock, model.actor, model.reason),
        model.actor,
        model.reason,
    )


def refund_decision(
    refund: AmountModel | str | None, actor: str, reason: str
) -> RefundDecision | None:
    """The decision about the money; None: it is not decided yet."""
    if refund is None:
        return None
    amount = refund.amount_minor if isinstance(refund, AmountModel) else None
    return RefundDecision(refund != "none", amount, actor, reason)


def restock_decision(
    restock: list[PiecesModel] | str | None, actor: str, reason: str
) -> RestockDecision | None:
    """The decision about the goods; None: it is not decided yet."""
    if restock is None:
        return None
    if isinstance(restock, list):
        return RestockDecision(pieces_of(restock), actor, reason)
    return RestockDecision(() if restock == "none" else None, actor, reason)


def pieces_of(lines: list[PiecesModel] | str) -> tuple[Pieces, ...]:
    """The listed pieces as domain values."""
    return tuple(Pieces(LineId(x.line_id), x.quantity) for x in lines if isinstance(x, PiecesModel))


def return_to_json(document: ReturnDocument) -> dict[str, Any]:
    """The JSON form of a return; `parse_return` turns it back into an equal return."""
    content: dict[str, Any] = {
        "order_id": document.order_id,
        "return_id": document.return_id,
        "kind": document.kind.value,
        "lines": "all" if document.pieces is None else _listed(document.pieces),
        "actor": document.actor,
        "reason": document.reason,
    }
    if refund := document.refund:
        amount = "full" if refund.amount_minor is None else {"amount_minor": refund.amount_minor}
        content["refund"] = amount if refund.grant else "none"
    if restock := document.restock:
        pieces = "all" if restock.pieces is None else _listed(restock.pieces)
        content["restock"] = pieces or "none"
    return content


def _listed(pieces: tuple[Pieces, ...]) -> list[dict[str, Any]]:
    return [{"line_id": item.line_id, "quantity": item.quantity} for item in pieces]


def _problems(model: ReturnDocumentModel, workflow_id: str | None) -> Iterator[FieldProblem]:
    required = return_workflow(OrderId(model.order_id), ReturnId(model.return_id))
    if workflow_id not in (None, required):
        yield FieldProblem("return_id", f"needs the workflow id {required}, not this one")
    own = model.return_id in OWN_IDS or model.kind is not ReturnKind.CUSTOMER
    if own and model.return_id != model.kind.value:
        yield FieldProblem("return_id", "must be the kind for lost and returned_to_sender only")
