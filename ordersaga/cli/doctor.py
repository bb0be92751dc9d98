"""`ordersaga doctor`: what is wrong with settings and servers, and what to do."""

from collections.abc import Sequence

from rich.text import Text

from ordersaga.cli.answers import Answer, answering
from ordersaga.display.text import printable
from ordersaga.operations.doctor.diagnosis import Diagnosis
from ordersaga.operations.doctor.examination import examine


@answering
async def doctor() -> Answer:
    """Check settings, database, Temporal and providers; say what to do.

    `BAD` must be repaired; a `note` need not. Nothing is changed.
    """
    checks = await examine()
    worst = max((check.exit_code for check in checks), default=0)
    return Answer(checks, lambda: _checklist(checks), worst)


def _checklist(checks: Sequence[Diagnosis]) -> Text:
    lines = []
    for check in checks:
        advice = f"; {check.advice}" if check.advice else ""
        mark = ("note" if check.advice else "ok") if check.ok else "BAD"
        lines.append(f"{mark:<4} {printable(f'{check.name}: {check.finding}{advice}')}")
    return Text("\n".join(lines))
