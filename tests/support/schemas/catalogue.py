"""Every JSON Schema that is published: what it is made from, its version, its examples.

A change that breaks those who send or read the document needs a new version; see `compatibility`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from projections.outbox.forms import ANNOUNCED
from projections.outbox.rules import RULES
from tests.support.repository.write_examples import file_of
from tests.support.sagas.real_orders import SHAPES
from tests.support.schemas.envelope import Notification
from tests.support.schemas.form import Json, published
from workflows.documents import answers, messages
from workflows.documents import returns as return_documents
from workflows.documents.order import OrderDocumentModel

FOLDER: Final = Path(__file__).parents[3] / "schemas"

_BY: Final = {"actor": "anna", "reason": "the customer called"}
_DONE: Final = {"actor": "anna", "note": "settled by bank transfer 4711"}
_SCAN: Final = {"status": "delivered", "at": "2026-01-31T12:00:00Z"}
_ADDRESS: Final = {
    "name": "Ada King",
    "line1": "12 Park Row",
    "city": "London",
    "postal_code": "N1 9GU",
    "country": "GB",
}
_RETURN: Final = {
    "order_id": "A1",
    "return_id": "R1",
    "lines": [{"line_id": "1", "quantity": 1}],
    "refund": "full",
    "restock": "none",
    "actor": "anna",
    "reason": "broken",
}


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema that is published.

    Attributes:
        name: ``order.document``: the file is ``order/document.json``.
        title: as people call it.
        form: the type in the program that it is made from.
        sent: others write it and we read it; False: the other way round.
        examples: documents that are valid.
        version: raised when a change breaks those who use it.
        family: ``notification`` is that of the data of notifications.
    """

    name: str
    title: str
    form: type
    sent: bool
    examples: tuple[Json, ...] = ()
    version: int = 1
    family: str = "schema"

    @property
    def id(self) -> str:
        """The ``$id``; it names the version."""
        return f"urn:ordersaga:{self.family}:{self.name}:{self.version}"

    @property
    def path(self) -> Path:
        """The file of the published copy."""
        folder = ("notification",) if self.family == "notification" else ()
        parts = [self.name] if folder else self.name.split(".")
        return FOLDER.joinpath(*folder, *parts[:-1], f"{parts[-1]}.json")

    def content(self) -> Json:
        """The schema as the program has it now."""
        return published(self.form, self.id, self.title, self.examples)

    def text(self) -> str:
        """The file, if it is current."""
        return json.dumps(self.content(), indent=2) + "\n"


def _orders() -> Iterator[Schema]:
    shapes = tuple(json.loads(file_of(shape).read_text(encoding="utf-8")) for shape in SHAPES)
    yield Schema("order.document", "Order document", OrderDocumentModel, True, shapes)
    yield Schema("order.result", "Order result", answers.OrderResult, False, (_COMPLETED, _ENDED))
    yield Schema("order.status", "Order status", answers.OrderStatus, False, (_STATUS,))
    confirmed = {**_BY, "confirmed": {"reference": "pi_3PcheckoutA1002"}}
    more = {"pay": (confirmed,)}
    for name, title, model, example in (
        ("cancel", "Cancel an order", messages.CancelMessage, {**_BY, "requested_by": "customer"}),
        ("hold", "Hold an order", messages.OperatorMessage, _BY),
        ("resume", "Resume an order", messages.OperatorMessage, _BY),
        ("retry", "Retry an order", messages.OperatorMessage, _BY),
        ("resolve", "Resolve an order", messages.ResolveMessage, {**_DONE, "goods": "lost"}),
        (
            "change_address",
            "Change the address of an order",
            messages.ChangeAddressMessage,
            {**_BY, "address": _ADDRESS},
        ),
        (
            "amend",
            "Amend an order",
            messages.AmendMessage,
            {**_BY, "lines": [{"line_id": "1", "quantity": 0}]},
        ),
        (
            "choose",
            "Choose what to do about unavailable items",
            messages.ChooseMessage,
            {**_BY, "choice": "wait"},
        ),
        (
            "pay",
            "Pay after a declined payment",
            messages.PayMessage,
            {**_BY, "token": "tok_visa"},
        ),
    ):
        yield Schema(f"order.{name}", title, model, True, (example, *more.get(name, ())))
    placed, same = {"order_id": "A1", "created": True}, {"order_id": "A1", "same": True}
    yield Schema("order.placed", "Answer to a placed order", answers.Placed, False, (placed,))
    compared = ({**same, "fields": []}, {**same, "same": False, "fields": ["lines"]})
    yield Schema("order.same", "Comparison with an order", answers.SameOrder, False, compared)
    accepted = ({"accepted": True}, {"accepted": True, "pending": True})
    yield Schema("update_answer", "Answer to an update", answers.UpdateAnswer, False, accepted)


def _parcels() -> Iterator[Schema]:
    where = {"order_id": "A1", "status": "delivered"}
    status = {
        **where,
        "step": "following",
        "waits_for": "news from the carrier",
        "needs_attention": False,
        "attention": None,
        "unrecorded_scans": 0,
        "ignored_signals": {},
    }
    scan, by_hand = messages.CarrierUpdateMessage, messages.ResolveMessage
    yield Schema("delivery.scan", "Scan of a parcel", scan, True, (_SCAN,))
    yield Schema("delivery.result", "Delivery result", answers.DeliveryResult, False, (where,))
    yield Schema("delivery.status", "Delivery status", answers.DeliveryStatus, False, (status,))
    yield Schema("delivery.retry", "Retry a delivery", messages.OperatorMessage, True, (_BY,))
    yield Schema("delivery.resolve", "Resolve a delivery", by_hand, True, (_DONE,))


def _returns() -> Iterator[Schema]:
    document = return_documents.ReturnDocumentModel
    lost = {**_RETURN, "return_id": "lost", "kind": "lost", "lines": "all"}
    yield Schema("return.document", "Return document", document, True, (_RETURN, lost))
    yield Schema("return.result", "Return result", answers.ReturnResult, False, (_CLOSED,))
    yield Schema("return.status", "Return status", answers.ReturnStatus, False, (_OPEN,))
    refund, restock = return_documents.DecideRefundMessage, return_documents.DecideRestockMessage
    part = ({**_BY, "refund": {"amount_minor": 500}}, {**_BY, "refund": "full"})
    goods = ({**_BY, "restock": [{"line_id": "1", "quantity": 1}]}, {**_BY, "restock": "none"})
    yield Schema("return.decide_refund", "Decide about a refund", refund, True, part)
    yield Schema("return.decide_restock", "Decide what goes back into stock", restock, True, goods)
    yield Schema("return.retry", "Retry a return", messages.OperatorMessage, True, (_BY,))
    yield Schema("return.resolve", "Resolve a return", messages.ResolveMessage, True, (_DONE,))
    granted = ({"accepted": True, "amount_minor": 500},)
    answer = answers.RefundAnswer
    yield Schema("return.refund_answer", "Answer to a decided refund", answer, False, granted)


def _notifications() -> Iterator[Schema]:
    yield Schema("notification", "Notification", Notification, False, (_EVENT,))
    forms = {rule.kind: (rule.form, rule.data_version) for rule in RULES.values()}
    for kind, (form, version) in (forms | {k: (f, 1) for k, f in ANNOUNCED.items()}).items():
        subject, _, what = kind.replace("_", " ").partition(".")
        title = f"Data of a notification: {subject} {what}"
        yield Schema(kind, title, form, False, version=version, family="notification")


_COMPLETED: Final[Json] = {
    "order_id": "A1",
    "outcome": "completed",
    "reason": None,
    "detail": "",
    "payment_reference": "pay_1",
    "tracking_number": "TN1",
}
_ENDED: Final[Json] = {
    **_COMPLETED,
    "outcome": "cancelled",
    "reason": "payment_declined",
    "detail": "the card was declined",
    "payment_reference": None,
    "tracking_number": None,
}
_STATUS: Final[Json] = {
    "order_id": "A1",
    "placed_at": "2026-01-31T12:00:00+00:00",
    "step": "awaiting_choice",
    "waits_for": "the customer to choose",
    "waiting": [],
    "cancel_after_s": None,
    "held_by": None,
    "hold_reason": None,
    "can_cancel": True,
    "if_parcel_left": "ask",
    "needs_attention": False,
    "attention": None,
    "ignored_signals": {},
    "goods": [],
    "turning_back": False,
    "reason": None,
    "compensations": ["release_inventory"],
    "undone": {},
    "missing": [{"sku": "LAMP-1", "ordered": 3, "missing": 1}],
    "answer_by": "2026-02-03T12:00:00+00:00",
    "choices": ["ship_available", "wait", "cancel"],
    "amended_total_minor": None,
    "outcome": None,
    "declined": None,
    "conflict": None,
    "actions": ["cancel", "hold", "change_address", "amend", "choose"],
}
_DECIDED: Final[Json] = {
    "lines": [{"line_id": "1", "quantity": 1}],
    "refund_minor": 958,
    "currency": "GBP",
    "gift_card_minor": None,
    "refund_reference": "re_1",
    "restock": [],
    "restocked": False,
}
_CLOSED: Final[Json] = {
    "order_id": "A1",
    "return_id": "R1",
    "kind": "customer",
    "outcome": "closed",
    **_DECIDED,
}
_OPEN: Final[Json] = {
    "order_id": "A1",
    "return_id": "R1",
    "content_digest": "0" * 64,
    "opened": True,
    "step": "decision",
    "waits_for": "a decision: decide about restock of return R1",
    "needs_attention": True,
    "attention": "decide about restock of return R1",
    "undecided": ["restock"],
    **_DECIDED,
    "restock": None,
}
_EVENT: Final[Json] = {
    "specversion": "1.0",
    "id": "5f0c2f6e-0b0a-5b54-8f7e-7c9d3f7f0b11",
    "source": "/ordersaga",
    "type": "ordersaga.order.completed",
    "subject": "A1",
    "time": "2026-01-31T12:30:00Z",
    "datacontenttype": "application/json",
    "dataschema": "urn:ordersaga:notification:order.completed:1",
    "sequence": "00000000000000004711",
    "data": {"tracking_number": "TN1"},
}

SCHEMAS: Final[Mapping[str, Schema]] = {
    each.id: each for group in (_orders, _parcels, _returns, _notifications) for each in group()
}
"""All of them, by ``$id``."""


def content_of(name: str) -> dict[str, Any]:
    """The schema ``order.document``, as the program has it now."""
    (schema,) = (each for each in SCHEMAS.values() if each.name == name)
    return schema.content()
