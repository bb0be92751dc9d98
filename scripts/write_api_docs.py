"""Writes docs/api.openapi.json and docs/api-errors.md from the API itself."""

import json
from pathlib import Path

from ordersaga.api.app import build_app
from ordersaga.api.problems import PROBLEMS

DOCS = Path(__file__).resolve().parent.parent / "docs"

HEAD = """# Errors of the HTTP API

Written by `make docs` from the program itself. An error is a problem (RFC 9457) with `type`
(`urn:ordersaga:problem:` and the code), `title`, `status`, `code`, `repeat` and `advice`, mostly a
`detail`, and `errors` for wrong fields. `repeat` says whether the same request can succeed later
without a change.

| code | status | meaning | repeat | what to do |
| --- | --- | --- | --- | --- |
"""


def openapi() -> str:
    """The OpenAPI document."""
    return json.dumps(build_app().openapi(), indent=1, ensure_ascii=False) + "\n"


def errors() -> str:
    """The page of errors."""
    rows = (
        f"| `{x.code}` | {x.status} | {x.title} | {'yes' if x.repeat else 'no'} | {x.advice} |\n"
        for x in PROBLEMS
    )
    return HEAD + "".join(rows)


PAGES = {DOCS / "api.openapi.json": openapi, DOCS / "api-errors.md": errors}

if __name__ == "__main__":
    for path, page in PAGES.items():
        path.write_text(page(), encoding="utf-8")
