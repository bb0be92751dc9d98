"""Writes docs/order-document.schema.json: .venv/bin/python -m tests.support.write_schema."""

import json
from pathlib import Path

from workflows.order_document import document_json_schema

PATH = Path(__file__).parents[2] / "docs" / "order-document.schema.json"


def schema_text() -> str:
    """What the file holds when it is current."""
    return json.dumps(document_json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(schema_text(), encoding="utf-8")
