"""What an order consists of, and whether another document describes the same order."""

import hashlib
from collections.abc import Mapping
from typing import Any

from activities.messages import OrderDocument
from domain.lines import Pieces
from workflows.documents.messages import canonical_json
from workflows.documents.order import document_to_json
from workflows.fulfillment.state import KnownOrder

_NO_CONTENT = ("schema_version", "order_id")
_PLACED_AT = "placed_at"
_AMOUNTS = {"lines", "adjustments"}


def known_order(document: OrderDocument) -> KnownOrder:
    """What a saga needs of its order."""
    payment = document.payment
    return KnownOrder(
        order_id=document.order_id,
        content=_digests(document),
        placed_at=document.placed_at,
        pieces=tuple(Pieces(line.line_id, line.quantity) for line in document.lines),
        unavailable=document.unavailable,
        on_outage=document.on_outage,
        if_left=document.if_left,
        is_handed_in=payment is not None and payment.confirmed is not None,
        asks_for_payment=payment is not None and payment.asks,
    )


def content_id(document: OrderDocument) -> str:
    """A name of the content, 64 hexadecimal digits: the same for equal orders, no others."""
    return _digest(_digests(document))


def different_fields(document: OrderDocument, order: KnownOrder) -> tuple[str, ...]:
    """The fields in which a document differs from the order; empty if it is the same order.

    A document without a time is the same order as one with any time. The event store compares by
    the same rule, in `activities.orders.intake`.
    """
    theirs, ours = _digests(document), order.content
    different = {name for name in {*theirs, *ours} if theirs.get(name) != ours.get(name)}
    return tuple(sorted(different if document.placed_at else different - {_PLACED_AT}))


def _digests(document: OrderDocument) -> dict[str, str]:
    """The digest of each field that the document gives: no value of it is kept."""
    content = document_to_json(document)
    content["lines"] = _lines(content["lines"])
    stated = {name: value for name, value in content.items() if value is not None}
    for name in _AMOUNTS & stated.keys():  # an amount in another currency is another amount
        stated[name] = [document.currency, stated[name]]
    return {name: _digest(value) for name, value in stated.items() if name not in _NO_CONTENT}


def _lines(lines: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Neither the sequence of lines nor what they are called makes another order."""
    ordered = sorted(lines, key=lambda line: str(line["line_id"]))
    return [{**line, "description": ""} for line in ordered]


def _digest(value: object) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()
