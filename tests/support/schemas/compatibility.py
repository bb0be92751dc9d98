"""Finds what a change of a JSON Schema breaks.

A schema of documents that others send may only take more than before. One of documents that others
read may only promise more than before; they ignore fields that they do not know. Whatever is not
known to be harmless counts as a break.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

Json = dict[str, Any]

_SAYS_NOTHING: Final = frozenset(
    {"$schema", "$id", "$defs", "title", "description", "examples", "default"}
)
_UPPER: Final = frozenset({"maximum", "maxLength", "maxItems", "maxProperties"})
_LOWER: Final = frozenset({"minimum", "minLength", "minItems", "minProperties"})
_PARTS: Final = frozenset({"properties", "required", "additionalProperties"})
_FORMS: Final = ("anyOf", "oneOf")


class Break(NamedTuple):
    """What breaks, and where; the path is that of the document."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path or '(the whole)'}: {self.what}"


def breaks(before: Json, after: Json, *, sent: bool) -> Iterator[Break]:
    """What breaks for those who send, or read, documents by the schema `before`."""
    # Who reads is broken by what who sends is glad of: documents of other forms than before.
    narrower = _Narrower(before, after) if sent else _Narrower(after, before)
    yield from narrower.found(reads=not sent)


class _Narrower:
    """Where the schema `narrow` refuses what the schema `wide` takes."""

    def __init__(self, wide: Json, narrow: Json) -> None:
        self._wide, self._narrow = wide, narrow

    def found(self, *, reads: bool) -> Iterator[Break]:
        self._reads = reads
        self._seen: set[tuple[str, str]] = set()
        return self._compare(self._wide, self._narrow, "")

    def _compare(self, wide: Any, narrow: Any, path: str) -> Iterator[Break]:
        if isinstance(wide, bool) or isinstance(narrow, bool):
            if narrow is not True and wide is not False and wide != narrow:
                yield Break(path, "other values than before")
            return
        refs = (wide.get("$ref"), narrow.get("$ref"))
        if all(refs) and refs in self._seen:
            return
        self._seen.add(refs)
        a, b = _resolved(wide, self._wide), _resolved(narrow, self._narrow)
        forms = _alternatives(a), _alternatives(b)
        if any(forms):
            yield from self._compare_forms(forms[0] or [a], forms[1] or [b], path)
            a, b = ({k: v for k, v in each.items() if k not in _FORMS} for each in (a, b))
            if not (forms[0] and forms[1]):
                return
        yield from self._compare_fields(a, b, path)
        yield from self._compare_rest(a, b, path)

    def _compare_forms(self, wide: list[Json], narrow: list[Json], path: str) -> Iterator[Break]:
        for form in wide:
            found = [list(self._compare(form, other, path)) for other in narrow]
            if all(found):
                yield min(found, key=len)[0]

    def _compare_fields(self, a: Json, b: Json, path: str) -> Iterator[Break]:
        ours, theirs = a.get("properties", {}), b.get("properties", {})
        for name in ours.keys() & theirs.keys():
            yield from self._compare(ours[name], theirs[name], _join(path, name))
        if b.get("additionalProperties") is False:
            for name in ours.keys() - theirs.keys():
                yield Break(_join(path, name), "is not known any more")
        if self._reads:
            for name in theirs.keys() - ours.keys():
                yield Break(_join(path, name), "is not there any more")
        for name in set(b.get("required", ())) - set(a.get("required", ())):
            yield Break(_join(path, name), "may be absent" if self._reads else "is required")
        wide, narrow = (each.get("additionalProperties", True) for each in (a, b))
        if not (self._reads and narrow is False):
            yield from self._compare(wide, narrow, _join(path, "*"))

    def _compare_rest(self, a: Json, b: Json, path: str) -> Iterator[Break]:
        for key in sorted((a.keys() | b.keys()) - _SAYS_NOTHING - _PARTS - {"$ref"}):
            if key == "items":
                yield from self._compare(a.get(key, True), b.get(key, True), f"{path}[]")
            elif key in b and not _allows(key, a.get(key), b[key], a):
                yield Break(path, f"{key} is another")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _resolved(schema: Json, root: Json) -> Json:
    if "$ref" not in schema:
        return schema
    return {**root["$defs"][schema["$ref"].rpartition("/")[2]], **schema}


def _alternatives(schema: Json) -> list[Json]:
    return [form for key in _FORMS for form in schema.get(key, ()) if "required" not in form]


def _allows(key: str, wide: Any, narrow: Any, whole: Json) -> bool:
    """Whether a keyword of the narrow schema takes everything that the wide one does."""
    if wide == narrow:
        return True
    if key in _UPPER:
        return wide is not None and bool(wide <= narrow)
    if key in _LOWER:
        return wide is not None and bool(wide >= narrow)
    if key == "type":
        return (wide, narrow) == ("integer", "number") or _all_of(whole, narrow)
    if key in ("enum", "const"):
        values = [*whole.get("enum", ()), *([whole["const"]] if "const" in whole else ())]
        allowed = narrow if key == "enum" else [narrow]
        return bool(values) and all(value in allowed for value in values)
    return False


def _all_of(whole: Json, name: str) -> bool:
    """Whether all values of an enumeration without a type are of this one."""
    kinds = {"string": str, "null": type(None), "boolean": bool}
    return (
        "enum" in whole
        and name in kinds
        and all(isinstance(value, kinds[name]) for value in whole["enum"])
    )
