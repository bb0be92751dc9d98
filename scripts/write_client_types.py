"""Writes the types of the Python client from the JSON Schemas.

What a service sends is a TypedDict; what it reads is a pydantic model that bears new fields.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "clients" / "python" / "ordersaga_client" / "documents.py"
SENT = ("order/document",)
READ = ("order/placed", "order/result", "order/status", "update_answer")
MOST_CODES = 20
NAMES = {
    "Order conflict": "ConflictingOrder",
    "Answer to a placed order": "Placed",
    "Answer to an update": "UpdateAnswer",
}
WORDS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}

HEAD = '''"""The documents that are sent and the answers that are read.

Written by `make docs` from the JSON Schemas.
"""

from typing import Literal, NotRequired, TypedDict

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)
'''


def name_of(schema: dict[str, Any]) -> str:
    """The class of a schema; its title without blanks."""
    title: str = schema["title"]
    return NAMES.get(title) or "".join(word[:1].upper() + word[1:] for word in title.split())


def type_of(schema: dict[str, Any], defs: dict[str, Any]) -> str:
    """The Python type of a part of a document."""
    if "$ref" in schema:
        target = defs[schema["$ref"].rpartition("/")[2]]
        return name_of(target) if "properties" in target else type_of(target, defs)
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    if "enum" in schema:
        few = len(schema["enum"]) <= MOST_CODES
        return f"Literal[{', '.join(map(repr, schema['enum']))}]" if few else "str"
    if forms := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(type_of(form, defs) for form in forms))
    if schema["type"] == "array":
        return f"list[{type_of(schema['items'], defs)}]"
    if schema["type"] == "object":
        rest = schema["additionalProperties"]
        return f"dict[str, {'Any' if rest is True else type_of(rest, defs)}]"
    return WORDS[schema["type"]]


def class_of(schema: dict[str, Any], defs: dict[str, Any], *, sent: bool) -> str:
    """A class with a field a property; what the schema says of it stands above it."""
    lines = [f"class {name_of(schema)}({'TypedDict' if sent else '_Answer'}):"]
    lines += [f'    """{schema["description"]}"""', ""]
    for name, part in schema["properties"].items():
        lines.append(f"    {name}: {field(name, part, schema, defs, sent=sent)}")
    return "\n".join(lines)


def field(
    name: str, part: dict[str, Any], whole: dict[str, Any], defs: dict[str, Any], *, sent: bool
) -> str:
    """The type of a field, and whether it may be absent."""
    kind = type_of(part, defs)
    if name in whole.get("required", ()):
        return kind
    return f"NotRequired[{kind}]" if sent else f"{kind} | None = None"


def classes(names: tuple[str, ...], *, sent: bool) -> Iterator[tuple[str, str]]:
    """The classes of some schemas with their names, parts first."""
    for name in names:
        schema = json.loads((ROOT / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
        defs = schema.get("$defs", {})
        parts = [each for each in defs.values() if "properties" in each]
        for each in (*parts, schema):
            yield name_of(each), class_of(each, defs, sent=sent)


def page() -> str:
    """The module, if it is current."""
    found = dict((*classes(SENT, sent=True), *classes(READ, sent=False)))
    text = "\n\n\n".join([HEAD, *found.values()]) + "\n"
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(TARGET), "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
