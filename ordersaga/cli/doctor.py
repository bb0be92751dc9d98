"""`ordersaga doctor`: what is wrong with settings and servers, and what to do."""

from collections.abc import Sequence

from rich.text import Text

from ordersaga.cli.common import Json
from ordersaga.cli.output import async_command, emit
from ordersaga.display.text import printable
from ordersaga.operations.doctor import Diagnosis, examine


@async_command
async def doctor(as_json: Json = False) -> int:
    """Check settings, database, schema, Temporal and providers; say what to do."""
    checks = await examine()
    emit(checks, as_json=as_json, view=lambda: _checklist(checks))
    return max((check.exit_code for check in checks), default=0)


def _checklist(checks: Sequence[Diagnosis]) -> Text:
    lines = []
    for check in checks:
        advice = f"; {check.advice}" if check.advice else ""
        mark = "ok " if check.ok else "BAD"
        lines.append(f"{mark}  {printable(f'{check.name}: {check.finding}{advice}')}")
    return Text("\n".join(lines))
