"""Documents made from a JSON Schema, in which a value is now and then another than it says."""

import re
from typing import Any, Final

from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from tests.support.schemas.form import Json

_ELSE: Final = st.sampled_from(
    [None, True, 0, -1, 1.0, 1.5, 10**30, "", " ", "x" * 600, "\u200b", "a\x00b", "A1\n", [], {}]
)
_USUAL: Final = st.sampled_from(
    [
        "A1",
        " Ann Example ",
        "王小明",
        "ada@example.org",
        "tok_visa\t",
        "2026-01-31T14:05:00Z",
        "2026-02-30 14:05+0100",
        "2100-01-01t00:00:00,5+00:00",
        "PT30M",
        "P1W91D",
        "lost",
    ]
)
_LONGEST: Final = 3


def _pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Any:
    """As ECMA 262 and JSON Schema have it: ``$`` is the very end, not before a line break."""
    if isinstance(value, str) and not re.search(rf"{pattern.removesuffix('$')}\Z", value):
        yield ValidationError("does not match the pattern")


VALIDATOR: Final = extend(Draft202012Validator, {"pattern": _pattern})


def documents(schema: Json) -> st.SearchStrategy[Any]:
    """Documents of which many are valid: made anew, or examples with some other values."""
    maker = _Maker(schema)
    made = maker.values(schema)
    if not schema.get("examples"):
        return made
    names = st.lists(st.sampled_from(sorted(schema["properties"])), max_size=3)
    example = st.sampled_from(schema["examples"])
    return made | st.builds(_with_values_of, example, names, maker.object_of(schema))


class _Maker:
    def __init__(self, root: Json) -> None:
        self._root = root

    def values(self, schema: Json) -> st.SearchStrategy[Any]:
        right = self._right(schema)
        return st.integers(0, 59).flatmap(lambda number: right if number else _ELSE)

    def object_of(self, schema: Json) -> st.SearchStrategy[Json]:
        """Objects, never anything else."""
        made: st.SearchStrategy[Json] = self._object(schema)
        return made

    def _right(self, schema: Json) -> st.SearchStrategy[Any]:
        if "$ref" in schema:
            return self._right(self._root["$defs"][schema["$ref"].rpartition("/")[2]])
        if "const" in schema or "enum" in schema:
            return st.sampled_from(schema.get("enum") or [schema["const"]])
        if "type" not in schema:
            forms = schema.get("anyOf") or schema["oneOf"]
            weighted = [each for each in forms for _ in range(1 if _is_null(each) else 5)]
            return st.sampled_from(weighted).flatmap(self._right)
        made: st.SearchStrategy[Any] = getattr(self, f"_{schema['type']}")(schema)
        return made

    def _null(self, _schema: Json) -> st.SearchStrategy[None]:
        return st.none()

    def _boolean(self, _schema: Json) -> st.SearchStrategy[bool]:
        return st.sampled_from([False, False, True])

    def _integer(self, schema: Json) -> st.SearchStrategy[int]:
        low, high = schema["minimum"], schema["maximum"]
        small = st.integers(max(low, -2), max(low, -2) + 3)
        edges = st.sampled_from([low, high, low - 1, high + 1, high // 2 + 1])
        return st.integers(0, 29).flatmap(lambda number: small if number else edges)

    def _string(self, schema: Json) -> st.SearchStrategy[str]:
        patterns = [schema["pattern"]] if "pattern" in schema else []
        patterns += [each["pattern"] for each in schema.get("allOf", ())]
        usual = _USUAL.filter(lambda text: all(re.search(each, text) for each in patterns))
        return usual | _of_form(patterns[-1]) if patterns else st.text()

    def _array(self, schema: Json) -> st.SearchStrategy[list[Any]]:
        least = schema.get("minItems", 0)
        return st.lists(self.values(schema["items"]), min_size=least, max_size=_LONGEST)

    def _object(self, schema: Json) -> st.SearchStrategy[Json]:
        properties, required = schema.get("properties", {}), set(schema.get("required", ()))
        if not properties:
            return st.dictionaries(
                self._right(schema["propertyNames"]),
                self.values(schema["additionalProperties"]),
                max_size=2,
            )
        made = {name: self.values(each) for name, each in properties.items()}
        whole = st.fixed_dictionaries(made)
        optional = sorted(properties.keys() - required)
        left_out = st.lists(st.sampled_from(optional), max_size=4) if optional else st.just([])
        wrong = st.sampled_from([*[""] * 40, "planet", *sorted(required)])
        return st.builds(_without, whole, left_out, wrong)


def _with_values_of(example: Json, names: list[str], other: Json) -> Json:
    return {**example, **{name: other[name] for name in names if name in other}}


def _of_form(pattern: str) -> st.SearchStrategy[str]:
    """Texts of a form; of the long form of a line of text, texts about as long as they may be."""
    if longest := re.search(r"\{0,(\d{2,})\}", pattern):
        edges = st.integers(1, 3).map(lambda more: f" {'x' * (int(longest[1]) + more)} ")
        return st.text(max_size=6) | edges
    return st.from_regex(re.compile(rf"{pattern.removesuffix('$')}\Z"))


def _without(whole: Json, left_out: list[str], wrong: str) -> Json:
    kept = {name: value for name, value in whole.items() if name not in (*left_out, wrong)}
    return {**kept, wrong: 1} if wrong and wrong not in whole else kept


def _is_null(schema: Json) -> bool:
    return schema.get("type") == "null"
