"""The form of a notification: CloudEvents 1.0 in structured mode."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict


class Notification(TypedDict):
    """Something happened to an order; a CloudEvent 1.0."""

    specversion: Literal["1.0"]
    id: Annotated[str, "the same for every attempt: drop duplicates by it"]
    source: Annotated[str, "the installation that sends it"]
    type: Annotated[str, "such as ordersaga.order.completed"]
    subject: Annotated[str, "the order's id, a task queue, or a provider"]
    time: Annotated[str, "when it was recorded, in UTC"]
    datacontenttype: Literal["application/json"]
    dataschema: Annotated[str, "the $id of the schema of data"]
    sequence: Annotated[str, "the place in the feed of all events"]
    traceparent: NotRequired[Annotated[str, "the trace that recorded it"]]
    data: Annotated[dict[str, Any], "what happened; its schema is named by dataschema"]
