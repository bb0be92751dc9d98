"""The report of `ordersaga verify` for people."""

from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from ordersaga.display.tables import Columns
from ordersaga.operations.verification.report import Report

_FINDINGS: Final = Columns("rule, subject: offender, expected, actual")
_FOREIGN: Final = Columns("what, reference, order_id: under order, differs: another")
_COMPARISONS: Final = Columns(
    "what: sum over ended orders, ours: our events>, theirs: other ledger>, verdict",
    verdict=lambda x: "equal" if x.equal else "DIFFERENT",
)


def report_view(report: Report) -> RenderableType:
    """Violations, checks that were not made, sums, and the verdict."""
    parts: list[RenderableType] = []
    if report.findings:
        parts.append(_FINDINGS.table(report.findings))
    if report.foreign:
        parts.append(_FOREIGN.table(report.foreign, title="of somebody else, and left alone"))
    parts += [Text(f"not checked: {x.check} ({x.why})") for x in report.not_checked]
    parts.append(_COMPARISONS.table(report.comparisons))
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in report.counts.items())
    parts.append(Text(f"checked {counts or 'an empty store'}"))
    parts.append(Text(_verdict(report)))
    return Group(*parts)


def _verdict(report: Report) -> str:
    if report.findings:
        return f"verify: {len(report.findings)} offenders"
    return "verify: clean" if report.complete else "verify: no offender, but not everything checked"
