"""Writes schemas: .venv/bin/python -m tests.support.repository.write_schema.

A change that breaks those who use a schema is refused: it needs a new version.
"""

import json
import sys

from tests.support.schemas.catalogue import FOLDER, SCHEMAS, Schema
from tests.support.schemas.compatibility import Break, breaks


def broken(schema: Schema) -> list[Break]:
    """What the change of a published schema breaks; nothing if its version is new."""
    if not schema.path.exists():
        return []
    before = json.loads(schema.path.read_text(encoding="utf-8"))
    after = schema.content()
    return list(breaks(before, after, sent=schema.sent)) if before["$id"] == after["$id"] else []


def strangers() -> set[str]:
    """Files in the folder that are no schema of the program."""
    ours = {schema.path for schema in SCHEMAS.values()}
    return {str(path) for path in FOLDER.rglob("*.json") if path not in ours}


def main() -> None:
    """Write all, or none if a change breaks something."""
    found = [f"{each.id}: {why}" for each in SCHEMAS.values() for why in broken(each)]
    if found:
        sys.exit("\n".join([*found, "this breaks those who use it: raise the version"]))
    for schema in SCHEMAS.values():
        schema.path.parent.mkdir(parents=True, exist_ok=True)
        schema.path.write_text(schema.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
