"""Tells what an activity answered from what somebody entered by hand.

Temporal lets anybody with access complete an activity with any result, also one that nothing can
read, or that claims an effect which never happened. Our workers sign each answer with the name of
the request. A result without that name does not count: the activity is started again, and the event
store decides.
"""

import functools
import typing
from collections.abc import Callable
from typing import Any, Final

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

KNOWN: Final = "ordersaga-known"
"""The metadata of a payload with the highest position that the answer rests on."""

SIGNATURE: Final = "ordersaga-answers"
"""The metadata of a payload that names the request which it answers."""


class NoAnswer(Exception):
    """A result was entered by hand."""


def signed(answer: Payload, workflow_id: str, activity_id: str, seen_up_to: int = 0) -> RawValue:
    """An answer with the name of its request, and the highest position that it rests on."""
    answer.metadata[SIGNATURE] = _name(workflow_id, activity_id)
    if seen_up_to:
        answer.metadata[KNOWN] = str(seen_up_to).encode()
    return RawValue(answer)


def seen_in(answer: Payload | RawValue) -> int:
    """The highest position of the event store that an answer rests on; 0: of none."""
    payload = answer.payload if isinstance(answer, RawValue) else answer
    text = payload.metadata.get(KNOWN, b"")
    return int(text) if text.isdigit() else 0


def answer_in(result: RawValue, method: Callable[..., Any], activity_id: str) -> Any:
    """What `method` returned.

    Raises:
        NoAnswer: it did not return this.
    """
    name = _name(workflow.info().workflow_id, activity_id)
    if result.payload.metadata.get(SIGNATURE) != name:
        raise NoAnswer
    converter = workflow.payload_converter()
    return converter.from_payload(result.payload, _result_type(method))


def _name(workflow_id: str, activity_id: str) -> bytes:
    # Without the run: one that was reset has the answers of the run before it.
    return f"{workflow_id}/{activity_id}".encode()


@functools.cache
def _result_type(method: Callable[..., Any]) -> Any:
    return typing.get_type_hints(method)["return"]
