"""The report of `ordersaga verify` for people."""

from rich.console import Group, RenderableType
from rich.text import Text

from ordersaga.display.tables import make_table
from ordersaga.operations.verification.report import Report


def report_view(report: Report) -> RenderableType:
    """Violations, checks that were not made, sums, and the verdict."""
    parts: list[RenderableType] = []
    if report.findings:
        parts.append(
            make_table(
                ("rule", "offender", "expected", "actual"),
                ((x.rule, x.subject, x.expected, x.actual) for x in report.findings),
            )
        )
    parts += [Text(f"not checked: {x.check} ({x.why})") for x in report.not_checked]
    parts.append(
        make_table(
            ("sum over ended orders", "our events>", "other ledger>", ""),
            (
                (x.what, x.ours, x.theirs, "equal" if x.equal else "DIFFERENT")
                for x in report.comparisons
            ),
        )
    )
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in report.counts.items())
    parts.append(Text(f"checked {counts or 'an empty store'}"))
    parts.append(Text(_verdict(report)))
    return Group(*parts)


def _verdict(report: Report) -> str:
    if report.findings:
        return f"verify: {len(report.findings)} offenders"
    return "verify: clean" if report.complete else "verify: no offender, but not everything checked"
