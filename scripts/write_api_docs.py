"""Writes docs/api.openapi.json, docs/errors.md and docs/errors.json from the program itself."""

import json
from pathlib import Path
from typing import Any

from domain.faults import FAULTS, Fault
from ordersaga.api.app import build_app
from ordersaga.api.problems import PROBLEMS

DOCS = Path(__file__).resolve().parent.parent / "docs"

HEAD = """# Errors

Written by `make docs` from the program itself; [errors.json](errors.json) holds the same. This is
the one list of errors: of workflows, updates, activities, the command line and the HTTP API.

- *run* and *answer*: a workflow failed with it, or an update was refused with it. The `type` of the
  failure says the code in the form of a class name, as the table has it.
- *attempt*: the failure of an activity, by its `type`, as Temporal's pages show it. The saga deals
  with it.
- *api*: a problem (RFC 9457) with `type` (`urn:ordersaga:problem:` and the code), `title`,
  `status`, `code`, `repeat` and `advice`, mostly a `detail`, and `errors` for wrong fields.
- *command*: `{"error": {"code", "message", "repeat", "advice"}}` on standard error, with `--json`.

Wrong fields are listed as `{"field", "rule", "message"}`: in the `details` of a failure, and in
`errors` of a problem. `rule` is `rule` where only the text says which one is broken. `details` of
`OrderConflict` hold the `fields` that differ. *Repeat* says whether the same request can succeed
later without a change.

| code | type in Temporal | status | where | meaning | repeat | what to do |
| --- | --- | --- | --- | --- | --- | --- |
"""
STATUS = {problem.code: problem.status for problem in PROBLEMS}


def openapi() -> str:
    """The OpenAPI document."""
    return json.dumps(build_app().openapi(), indent=1, ensure_ascii=False) + "\n"


def entry(fault: Fault) -> dict[str, Any]:
    """An error as JSON."""
    return {
        "code": fault.code,
        "type": fault.type,
        "status": STATUS.get(fault.code),
        "where": [where.value for where in fault.where],
        "meaning": fault.meaning,
        "repeat": fault.repeat,
        "advice": fault.advice,
    }


def errors() -> str:
    """The page of errors."""
    return HEAD + "".join(
        f"| `{x.code}` | {f'`{x.type}`' if x.type else ''} | {STATUS.get(x.code, '')} "
        f"| {', '.join(x.where)} | {x.meaning} | {'yes' if x.repeat else 'no'} | {x.advice} |\n"
        for x in FAULTS
    )


def errors_json() -> str:
    """The same list for programs."""
    return json.dumps({"errors": [entry(x) for x in FAULTS]}, indent=1, ensure_ascii=False) + "\n"


PAGES = {
    DOCS / "api.openapi.json": openapi,
    DOCS / "errors.md": errors,
    DOCS / "errors.json": errors_json,
}

if __name__ == "__main__":
    for path, page in PAGES.items():
        path.write_text(page(), encoding="utf-8")
