"""`ordersaga verify`: prove the invariants, or name every offender."""

from collections.abc import Mapping
from typing import Annotated

import asyncpg
import typer

from ordersaga.books.table import FoundDifference, keep_comparison
from ordersaga.cli.answers import Answer, answering
from ordersaga.cli.common import Services
from ordersaga.cli.output import OK
from ordersaga.display.verification import report_view
from ordersaga.errors import REFUSED, UNREACHABLE
from ordersaga.findings.attention import orders_needing_attention
from ordersaga.operations.verification import run
from ordersaga.operations.verification.report import Check, Report
from ordersaga.operations.verification.wired import open_sources
from projections.errors import describe, is_outage


@answering
async def verify(
    services: Services,
    skip: Annotated[
        list[Check] | None, typer.Option(help="Skip this check; may be repeated.")
    ] = None,
) -> Answer:
    """Prove that stock, money, parcels, sagas and read models agree.

    What differs from the payment provider's books is kept for the API and the console.
    Ends with 0 if all is well, 1 if there are offenders, 3 if a check could not be made.
    """
    skipped = frozenset(skip or ())
    report = await run.verify(await open_sources(services, skipped), skipped)
    attention = await orders_needing_attention(services.pool)
    remarks = [_attention_text(attention)] if attention else []
    remarks += await _keep_money(services, report)
    data = {**_as_data(report), "needs_attention": attention}
    return Answer(data, lambda: report_view(report), exit_code(report), remarks)


async def _keep_money(services: Services, report: Report) -> list[str]:
    """Keep what differs from the provider's books; returns what prevented it."""
    if report.money is None:
        return []
    differences = [
        FoundDifference(
            each.finding.subject,
            each.currency,
            each.ours_minor,
            each.theirs_minor,
            each.finding.rule,
            each.finding.expected,
            each.finding.actual,
        )
        for each in report.money
    ]
    try:
        await keep_comparison(services.pool, services.settings.payment_provider, differences)
    except Exception as error:
        if not isinstance(error, asyncpg.PostgresError) and not is_outage(error):
            raise
        return [f"what differs in money was not kept for the console: {describe(error)}"]
    return []


def _attention_text(attention: Mapping[str, str]) -> str:
    count = len(attention)
    who = "1 order needs" if count == 1 else f"{count} orders need"
    return f"{who} a person: see `ordersaga saga list --needs-attention`"


def exit_code(report: Report) -> int:
    """0; 1 if there are offenders; 3 if a requested check could not be made."""
    if not report.clean:
        return REFUSED
    return OK if report.complete else UNREACHABLE


def _as_data(report: Report) -> dict[str, object]:
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
        "foreign": report.foreign,
    }
