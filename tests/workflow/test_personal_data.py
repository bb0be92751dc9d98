"""Personal data in Temporal: nowhere but in what clients send and in the first step's input."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.sagas.record_histories import ELSEWHERE, FOLDER
from tests.support.sagas.shop import document

HISTORIES = sorted(FOLDER.glob("*.json"))
_ADDRESSES = (document("A1")["address"], ELSEWHERE)
PERSONAL = frozenset(
    {"tok_", *(address[part] for address in _ADDRESSES for part in ("name", "line1"))}
)


def payloads(attributes: Any) -> Iterator[str]:
    """Every payload in the attributes of an event, as text."""
    if isinstance(attributes, list):
        for part in attributes:
            yield from payloads(part)
    elif isinstance(attributes, dict):
        if "metadata" in attributes and "data" in attributes:
            yield base64.b64decode(attributes["data"]).decode()
        for part in attributes.values():
            yield from payloads(part)


def told(history: dict[str, Any]) -> list[str]:
    """What activities were told or answered of personal data, once one had recorded the order."""
    found, recorded = [], False
    for event in history["events"]:
        scheduled = event.get("activityTaskScheduledEventAttributes")
        completed = event.get("activityTaskCompletedEventAttributes")
        for text in payloads([scheduled, completed]):
            if recorded or completed:
                found += [f"{event['eventId']}: {value}" for value in PERSONAL if value in text]
        recorded = recorded or completed is not None
    return found


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_no_activity_but_the_first_is_told_personal_data(path: Path) -> None:
    assert told(json.loads(path.read_text())) == []


def test_personal_data_in_the_input_of_a_later_activity_is_found() -> None:
    history = json.loads((FOLDER / "order-happy.v1.json").read_text())
    scheduled = [
        event["activityTaskScheduledEventAttributes"]
        for event in history["events"]
        if "activityTaskScheduledEventAttributes" in event
    ]
    scheduled[1]["input"] = scheduled[0]["input"]
    assert told(history)
