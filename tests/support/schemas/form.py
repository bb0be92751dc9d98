"""Makes the JSON Schema that is published from the type that the program itself uses."""

import re
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, NotRequired, TypeVar, get_args, get_origin

import typing_extensions
from pydantic import BaseModel, Field, TypeAdapter

Json = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_SUFFIX: Final = re.compile("(Model|Message)$")
_FIRST: Final = ("$schema", "$id", "title", "description", "type", "properties", "required")
_LAST: Final = ("examples", "$defs")
_BY_NAME: Final = frozenset({"properties", "$defs"})
T = TypeVar("T")


def published(form: type, id_: str, title: str, examples: Sequence[Json]) -> Json:
    """The schema of a pydantic model or a TypedDict, with a title that people use."""
    raw = _tidy(_raw(form))
    whole = {"$schema": DIALECT, "$id": id_, **raw, "title": title}
    if examples:
        whole["examples"] = list(examples)
    return _sorted(whole)


def _raw(form: type) -> Json:
    if issubclass(form, BaseModel):
        return form.model_json_schema()
    return TypeAdapter(_readable(form)).json_schema(mode="serialization")


def _readable(form: Any) -> Any:
    """The type with the texts beside its parts as descriptions, in a form that pydantic reads."""
    if typing.is_typeddict(form):
        hints = typing.get_type_hints(form, include_extras=True)
        same = typing_extensions.TypedDict(  # type: ignore[operator]  # mypy wants literals
            form.__name__, {name: _readable(hint) for name, hint in hints.items()}
        )
        same.__doc__ = form.__doc__
        return same
    origin, parts = get_origin(form), get_args(form)
    if origin is Annotated:
        inner, text = parts
        return Annotated[_readable(inner), Field(description=text)]
    if origin is NotRequired:
        return NotRequired[_readable(parts[0])]
    if origin is types.UnionType:
        return typing.Union[tuple(map(_readable, parts))]  # noqa: UP007  made from a list
    return origin[tuple(map(_readable, parts))] if origin in (list, dict) else form


def _tidy(schema: Any, *, names: bool = False) -> Any:
    """Without what only repeats a field's name; `names`: the keys are names of the document."""
    if isinstance(schema, list):
        return [_tidy(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {}
    for key, value in schema.items():
        if not names and (key, value) == ("default", None):
            continue
        if not names and key == "title" and "properties" not in schema and "enum" not in schema:
            continue
        if not names and key in ("const", "enum", "default"):
            tidy[key] = value
            continue
        tidy[key] = _tidy(value, names=not names and key in _BY_NAME)
    return _named(tidy) if not names else tidy


def _named(schema: Json) -> Json:
    if "title" in schema:
        schema["title"] = _words(schema["title"])
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].replace("``", "`").split())
    if "$ref" in schema:
        schema["$ref"] = _SUFFIX.sub("", schema["$ref"])
    if "$defs" in schema:
        schema["$defs"] = {_SUFFIX.sub("", name): each for name, each in schema["$defs"].items()}
    return schema


def _words(name: str) -> str:
    """``OrderLine``: Order line."""
    words = re.sub("(?<=[a-z])(?=[A-Z])", " ", _SUFFIX.sub("", name)).split()
    return " ".join(words).capitalize()


def _sorted(schema: Mapping[str, Any]) -> Json:
    middle = [key for key in schema if key not in _FIRST + _LAST]
    return {key: schema[key] for key in (*_FIRST, *middle, *_LAST) if key in schema}
