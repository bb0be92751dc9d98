"""Writes the JSON Schemas under docs: .venv/bin/python -m tests.support.repository.write_schema."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from workflows.documents.order import document_json_schema
from workflows.documents.returns import return_json_schema

DOCS: Final = Path(__file__).parents[3] / "docs"
PATH = DOCS / "order-document.schema.json"
RETURN_PATH = DOCS / "return-document.schema.json"
SCHEMAS: Final[Mapping[Path, Callable[[], dict[str, Any]]]] = {
    PATH: document_json_schema,
    RETURN_PATH: return_json_schema,
}


def schema_text(path: Path = PATH) -> str:
    """What the file holds when it is current."""
    return json.dumps(SCHEMAS[path](), indent=2) + "\n"


if __name__ == "__main__":
    for each in SCHEMAS:
        each.write_text(schema_text(each), encoding="utf-8")
