"""The published schemas: current, complete, and never changed so that it breaks who uses them."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from temporalio import workflow

from ordersaga.daemons import notifier
from tests.support.repository.source_tree import ROOT, text_of
from tests.support.repository.write_schema import broken, strangers
from tests.support.schemas.catalogue import SCHEMAS, Schema, content_of
from tests.support.schemas.compatibility import breaks
from workers.factory import WORKFLOWS
from workflows.jobs.workflow import OperatorJob

Json = dict[str, Any]
Change = Callable[[Json], None]


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=lambda each: each.name)
def test_a_published_schema_is_not_broken_and_current(schema: Schema) -> None:
    assert broken(schema) == [], "raise the version of the schema"
    assert text_of(schema.path) == schema.text(), "run `make docs`"


def test_there_are_no_other_schemas() -> None:
    assert strangers() == set()


def test_every_schema_is_in_the_documents() -> None:
    page = text_of(ROOT / "docs" / "schemas.md")
    missing = [
        each.name
        for each in SCHEMAS.values()
        if each.family == "schema"
        and f"../schemas/{each.path.relative_to(ROOT / 'schemas').as_posix()}" not in page
    ]
    assert missing == []


def test_notifications_name_the_id_of_their_schema() -> None:
    kinds = [each for each in SCHEMAS.values() if each.family == "notification"]
    assert {f"{notifier.SCHEMA_PREFIX}{each.name}:{each.version}" for each in kinds} <= set(SCHEMAS)


def test_every_update_has_a_schema() -> None:
    subjects = {"OrderFulfillment": "order", "OrderDelivery": "delivery", "OrderReturn": "return"}
    names = {each.name for each in SCHEMAS.values() if each.sent}
    for cls in set(WORKFLOWS) - {OperatorJob}:  # which is steered by the API and the console
        definition = workflow._Definition.must_from_class(cls)
        subject = subjects[cls.__name__]
        updates = {f"{subject}.{name}" for name in definition.updates if name}
        assert updates - {"order.place", "return.open"} <= names  # which take the document


def _set(path: str, value: object) -> Change:
    """Set, or with ... remove, a part of a schema."""

    def change(schema: Json) -> None:
        *parents, last = path.split("/")
        target: Any = schema
        for part in parents:
            target = target[int(part) if isinstance(target, list) else part]
        if value is ...:
            del target[int(last) if isinstance(target, list) else last]
        elif isinstance(target, list):
            target[int(last)] = value
        else:
            target[last] = value

    return change


def _always(name: str) -> Change:
    return lambda schema: schema["required"].append(name)


SENT = "order.document"
READ = "order.result"
STATUS = "order.status"
LINES = "properties/lines"
LINE = "$defs/Line/properties"
TEXT = {"type": "string"}

# What breaks one way is harmless the other way round: each case is tested in both.
BREAKING: dict[str, tuple[str, Change]] = {
    "a field becomes required": (SENT, _set("required", ["currency", "lines", "reference"])),
    "a field is not known any more": (SENT, _set("properties/metadata", ...)),
    "a field of a part is not known any more": (SENT, _set(f"{LINE}/adjustments", ...)),
    "a code is not taken any more": (SENT, _set("properties/currency/enum", ["EUR"])),
    "a kind is not taken any more": (SENT, _set("$defs/LineKind/enum", ["goods"])),
    "a maximum is lower": (SENT, _set(f"{LINE}/quantity/maximum", 9)),
    "a minimum is higher": (SENT, _set(f"{LINE}/quantity/minimum", 2)),
    "fewer lines are taken": (SENT, _set(f"{LINES}/maxItems", 5)),
    "more lines are needed": (SENT, _set(f"{LINES}/minItems", 2)),
    "a bound is new": (SENT, _set(f"{LINES}/uniqueItems", True)),
    "a text has a form": (SENT, _set(f"{LINE}/kind", {"type": "string", "pattern": "^x$"})),
    "a type is another": (SENT, _set(f"{LINE}/quantity/type", "string")),
    "null is not taken any more": (SENT, _set("properties/reference/anyOf/1", ...)),
    "a form is not taken any more": (
        SENT,
        _set("properties/on_outage/anyOf/0", {"const": "wait", "type": "string"}),
    ),
    "unknown names are refused": ("notification", _set("additionalProperties", False)),
    "a part gets a condition": (SENT, _set("$defs/Customer/not", {"required": ["email"]})),
    "a value of a map is narrower": (
        SENT,
        _set("properties/metadata/additionalProperties/type", "integer"),
    ),
}
BREAKING_READERS: dict[str, tuple[str, Change]] = {
    "a field is not there any more": (READ, _set("properties/detail", ...)),
    "a field may be absent": (READ, _set("required", ["order_id", "outcome"])),
    "a field may be null": (READ, _set("properties/detail", {"anyOf": [TEXT, {"type": "null"}]})),
    "a reason is new": (READ, _set("$defs/Outcome/enum", ["completed", "cancelled", "lost"])),
    "a type is another": (READ, _set("properties/detail/type", "integer")),
    "an item is another": (STATUS, _set("properties/goods/items/type", "integer")),
    "a part lacks a field": (STATUS, _set("$defs/MissingItem/properties/sku", ...)),
}
HARMLESS: dict[str, tuple[str, bool, Change]] = {
    "another description": (SENT, True, _set(f"{LINES}/description", "what was ordered")),
    "another title and example": (SENT, True, _set("examples", [])),
    "a field that may be absent, sent": (SENT, True, _set("properties/gift", TEXT)),
    "a kind more is taken": (SENT, True, _set("$defs/LineKind/enum/0", "goods")),
    "a field that is not needed any more": (SENT, True, _set("required", ["lines"])),
    "a wider bound": (SENT, True, _set(f"{LINE}/quantity/maximum", 2_000_000)),
    "a new field, read": (READ, False, _set("properties/placed_at", TEXT)),
    "a reason less": (READ, False, _set("$defs/Reason/enum", ["out_of_stock"])),
    "null no longer": (READ, False, _set("properties/tracking_number", TEXT)),
    "a field more is always there": ("notification", False, _always("traceparent")),
}


def changed(name: str, change: Change) -> tuple[Json, Json]:
    before = json.loads(json.dumps(content_of(name)))
    after = copy.deepcopy(before)
    change(after)
    return before, after


@pytest.mark.parametrize("case", BREAKING)
def test_a_change_that_breaks_senders_is_found_and_undoing_it_is_not(case: str) -> None:
    before, after = changed(*BREAKING[case])
    assert list(breaks(before, after, sent=True))
    if case not in ("a type is another", "a text has a form", "a value of a map is narrower"):
        assert list(breaks(after, before, sent=True)) == []


@pytest.mark.parametrize("case", BREAKING_READERS)
def test_a_change_that_breaks_readers_is_found(case: str) -> None:
    before, after = changed(*BREAKING_READERS[case])
    assert list(breaks(before, after, sent=False))


@pytest.mark.parametrize("case", HARMLESS)
def test_a_harmless_change_is_no_break(case: str) -> None:
    name, sent, change = HARMLESS[case]
    before, after = changed(name, change)
    assert list(breaks(before, after, sent=sent)) == []


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=lambda each: each.name)
def test_no_change_is_no_break(schema: Schema) -> None:
    assert list(breaks(schema.content(), schema.content(), sent=schema.sent)) == []
