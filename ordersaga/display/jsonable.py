"""Answers as JSON."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID


def to_jsonable(value: Any) -> Any:
    """The JSON form of an answer; converts dataclasses, times, ids and enums."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_jsonable(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_jsonable(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID | Path):
        return str(value)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [to_jsonable(item) for item in value]
    return value


def json_text(data: Any) -> str:
    """The JSON text of an answer."""
    return json.dumps(to_jsonable(data), ensure_ascii=False)
