"""Writes examples/orders: .venv/bin/python -m tests.support.repository.write_examples."""

import json
from pathlib import Path
from typing import Final

from tests.support.sagas.real_orders import SHAPES
from tests.support.sagas.shop import document

FOLDER: Final = Path(__file__).parents[3] / "examples" / "orders"


def file_of(shape: str) -> Path:
    """The file of a shape."""
    return FOLDER / f"{shape.replace(',', '').replace(' ', '-')}.json"


def example_text(shape: str) -> str:
    """What the file of a shape holds when it is current."""
    order_id = shape.replace(",", "").replace(" ", "-")
    content = SHAPES[shape].document(document(order_id))
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in SHAPES:
        file_of(name).write_text(example_text(name), encoding="utf-8")
