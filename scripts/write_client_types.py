"""Writes the types of the clients for Python and TypeScript from the JSON Schemas.

In Python, what a service sends is a TypedDict; what it reads is a pydantic model that bears new
fields.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parent.parent
PYTHON_TARGET = ROOT / "clients" / "python" / "ordersaga_client" / "documents.py"
TYPESCRIPT_TARGET = ROOT / "clients" / "typescript" / "src" / "documents.ts"
SENT = ("order/document", "return/document", "delivery/scan")
READ = (
    *("order/placed", "order/same", "order/result", "order/status", "update_answer"),
    *("delivery/status", "return/status", "return/result", "return/refund_answer"),
)
MOST_CODES = 20
NAMES = {
    "Answer to a decided refund": "RefundAnswer",
    "Answer to a placed order": "Placed",
    "Answer to an update": "UpdateAnswer",
    "Comparison with an order": "SameOrder",
    "Order conflict": "ConflictingOrder",
    "Scan of a parcel": "Scan",
}

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Language:
    """How a language writes types: the simple ones, one of some values, lists and maps."""

    words: Mapping[str, str]
    one_of: Callable[[Sequence[object]], str]
    list_of: Callable[[str], str]
    map_of: Callable[[str], str]


PYTHON: Final = Language(
    {
        "string": "str",
        "integer": "int",
        "number": "float",
        "boolean": "bool",
        "null": "None",
        "any": "Any",
    },
    lambda values: f"Literal[{', '.join(map(repr, values))}]",
    "list[{}]".format,
    "dict[str, {}]".format,
)
TYPESCRIPT: Final = Language(
    {
        "string": "string",
        "integer": "number",
        "number": "number",
        "boolean": "boolean",
        "null": "null",
        "any": "unknown",
    },
    lambda values: " | ".join(map(json.dumps, values)),
    lambda item: f"readonly ({item})[]" if " " in item else f"readonly {item}[]",
    "Readonly<Record<string, {}>>".format,
)

PYTHON_HEAD = '''"""The documents that are sent and the answers that are read.

Written by `make docs` from the JSON Schemas.
"""

from typing import Literal, NotRequired, TypedDict

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)
'''
TYPESCRIPT_HEAD = """/**
 * The documents that are sent and the answers that are read.
 *
 * Written by `make docs` from the JSON Schemas.
 */"""


def name_of(schema: Schema) -> str:
    """The class of a schema; its title without blanks."""
    title: str = schema["title"]
    return NAMES.get(title) or "".join(word[:1].upper() + word[1:] for word in title.split())


def type_of(schema: Schema, defs: Schema, language: Language) -> str:
    """The type of a part of a document."""
    if "$ref" in schema:
        target = defs[schema["$ref"].rpartition("/")[2]]
        return name_of(target) if "properties" in target else type_of(target, defs, language)
    if "const" in schema:
        return language.one_of([schema["const"]])
    if "enum" in schema:
        few = len(schema["enum"]) <= MOST_CODES
        return language.one_of(schema["enum"]) if few else language.words["string"]
    if forms := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(type_of(form, defs, language) for form in forms))
    if schema["type"] == "array":
        return language.list_of(type_of(schema["items"], defs, language))
    if schema["type"] == "object":
        rest = schema["additionalProperties"]
        values = language.words["any"] if rest is True else type_of(rest, defs, language)
        return language.map_of(values)
    return language.words[schema["type"]]


def parts(names: Sequence[str]) -> Iterator[tuple[Schema, Schema]]:
    """The objects of some schemas, parts first, each with the parts that it may name."""
    for name in names:
        schema = json.loads((ROOT / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
        defs = schema.get("$defs", {})
        for each in (*(part for part in defs.values() if "properties" in part), schema):
            yield each, defs


def python_class(schema: Schema, defs: Schema, *, sent: bool) -> str:
    """A class with a field a property; what the schema says of it stands above it."""
    lines = [f"class {name_of(schema)}({'TypedDict' if sent else '_Answer'}):"]
    lines += [f'    """{schema["description"]}"""', ""]
    for name, part in schema["properties"].items():
        kind = type_of(part, defs, PYTHON)
        if name not in schema.get("required", ()):
            kind = f"NotRequired[{kind}]" if sent else f"{kind} | None = None"
        lines.append(f"    {name}: {kind}")
    return "\n".join(lines)


def interface(schema: Schema, defs: Schema) -> str:
    """An interface with a field a property, and what the schema says of them."""
    lines = [f"/** {schema['description']} */", f"export interface {name_of(schema)} {{"]
    for name, part in schema["properties"].items():
        if "description" in part:
            lines.append(f"  /** {part['description']} */")
        absent = "" if name in schema.get("required", ()) else "?"
        lines.append(f"  readonly {name}{absent}: {type_of(part, defs, TYPESCRIPT)};")
    return "\n".join([*lines, "}"])


def python_page() -> str:
    """The module for Python, if it is current."""
    classes = {
        name_of(schema): python_class(schema, defs, sent=sent)
        for names, sent in ((SENT, True), (READ, False))
        for schema, defs in parts(names)
    }
    text = "\n\n\n".join([PYTHON_HEAD, *classes.values()]) + "\n"
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(PYTHON_TARGET), "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return done.stdout


def typescript_page() -> str:
    """The module for TypeScript, if it is current."""
    found = {name_of(schema): interface(schema, defs) for schema, defs in parts((*SENT, *READ))}
    return "\n\n".join([TYPESCRIPT_HEAD, *found.values()]) + "\n"


PAGES: Final = {PYTHON_TARGET: python_page, TYPESCRIPT_TARGET: typescript_page}

if __name__ == "__main__":
    for target, page in PAGES.items():
        target.write_text(page(), encoding="utf-8")
