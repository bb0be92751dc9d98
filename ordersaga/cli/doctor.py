"""`ordersaga doctor`: what is wrong with settings and servers, and what to do."""

from collections.abc import Sequence

from rich.text import Text

from ordersaga.cli.answers import Answer, answering
from ordersaga.display.text import printable
from ordersaga.operations.doctor import Diagnosis, examine


@answering
async def doctor() -> Answer:
    """Check settings, database, schema, Temporal and providers; say what to do."""
    checks = await examine()
    worst = max((check.exit_code for check in checks), default=0)
    return Answer(checks, lambda: _checklist(checks), worst)


def _checklist(checks: Sequence[Diagnosis]) -> Text:
    lines = []
    for check in checks:
        advice = f"; {check.advice}" if check.advice else ""
        mark = "ok " if check.ok else "BAD"
        lines.append(f"{mark}  {printable(f'{check.name}: {check.finding}{advice}')}")
    return Text("\n".join(lines))
