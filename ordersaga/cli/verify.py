"""`ordersaga verify`: prove the invariants, or name every offender."""

from typing import TYPE_CHECKING, Annotated

import typer

from ordersaga.cli.common import Json, opened
from ordersaga.cli.output import emit, make_table, run
from ordersaga.errors import REFUSED, UNREACHABLE
from ordersaga.operations.verification.report import Check

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ordersaga.operations.verification.report import Report


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command()(verify)


def verify(
    skip: Annotated[
        list[Check] | None, typer.Option(help="Leave this check out; may be given again.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Prove that stock, money, parcels, sagas and read models agree.

    Ends with 0 if all is well, 1 if there are offenders, 3 if a check could not be made.
    """
    run(_verify(frozenset(skip or ()), as_json))


async def _verify(skip: frozenset[Check], as_json: bool) -> int:
    from ordersaga.operations.verification.run import verify as look
    from ordersaga.operations.verification.wired import open_sources

    async with opened() as services:
        report = await look(await open_sources(services, skip), skip)
    emit(as_data(report), as_json=as_json, view=lambda: report_view(report))
    return exit_code(report)


def exit_code(report: "Report") -> int:
    """0, or 1 for offenders, or 3 for a check that was wanted and could not be made."""
    if not report.clean:
        return REFUSED
    return 0 if report.complete else UNREACHABLE


def as_data(report: "Report") -> dict[str, object]:
    """The JSON form of a report."""
    return {
        "clean": report.clean,
        "complete": report.complete,
        "findings": report.findings,
        "not_checked": report.not_checked,
        "comparisons": [
            {"what": x.what, "ours": x.ours, "theirs": x.theirs, "equal": x.equal}
            for x in report.comparisons
        ],
        "counts": report.counts,
    }


def report_view(report: "Report") -> "RenderableType":
    """A report for people."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    if report.findings:
        parts.append(
            make_table(
                ("rule", "offender", "expected", "found"),
                ((x.rule, x.subject, x.expected, x.found) for x in report.findings),
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
    looked = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in report.counts.items())
    parts.append(Text(f"looked at {looked or 'an empty store'}"))
    parts.append(Text(_verdict(report)))
    return Group(*parts)


def _verdict(report: "Report") -> str:
    if report.findings:
        return f"verify: {len(report.findings)} offenders"
    return "verify: clean" if report.complete else "verify: no offender, but not everything checked"
