"""Compares what the program really says with the schemas that it publishes."""

import functools
from typing import Any

from tests.support.schemas.catalogue import content_of
from tests.support.schemas.form import Json
from tests.support.schemas.generated import VALIDATOR


def as_published(name: str, answer: Any) -> Any:
    """The answer, if it is of the published form and has no field that the schema lacks."""
    _validator(name).validate(answer)
    return answer


@functools.cache
def _validator(name: str) -> Any:
    return VALIDATOR(closed(content_of(name)))


def closed(schema: Any) -> Any:
    """The schema without room for further fields; readers must bear them, our tests must not."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    same: Json = {name: closed(each) for name, each in schema.items()}
    if same.get("type") == "object" and "properties" in same:
        same.setdefault("additionalProperties", False)
    return same
