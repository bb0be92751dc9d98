"""`ordersaga import`: real orders from a file."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from domain.errors import DomainError
from domain.fields import parse_currency, parse_payment
from domain.values import PaymentTerms
from ordersaga.cli.answers import Answer, answering
from ordersaga.cli.common import opened
from ordersaga.cli.output import note
from ordersaga.display.tables import console, make_table
from ordersaga.errors import WrongUsage
from ordersaga.importing.intake import OnProgress
from ordersaga.importing.patience import Patience
from ordersaga.importing.run import ImportRequest, ImportSummary, import_plan, prepare


@answering
async def import_orders(
    file: Annotated[Path, typer.Argument(help="CSV or CSV.gz in the Online Retail format.")],
    limit: Annotated[
        int | None, typer.Option(min=1, max=10_000_000, help="Import at most this many orders.")
    ] = None,
    currency: Annotated[str, typer.Option(help="Currency of the prices.")] = "GBP",
    with_stock: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            metavar="PERCENT",
            help="First receive this percentage of the pieces that the imported orders need of "
            "each product, rounded up.",
        ),
    ] = None,
    payment_token: Annotated[
        str, typer.Option(help="Token that pays for all orders; the file has no payments.")
    ] = "tok_visa",  # noqa: S107  a test token of the sandbox, no secret
    report: Annotated[
        Path | None,
        typer.Option(
            help="File for refused lines: JSON lines if its name ends in .jsonl, otherwise CSV.",
            show_default="import-report-<file>.csv",
        ),
    ] = None,
) -> Answer:
    """Submit the orders of a CSV file.

    Refused lines are reported with their reason. A file that cannot be read changes nothing.
    Importing the same file again adds nothing.
    """
    stem = file.name.removesuffix(".gz").removesuffix(".csv") or "file"
    request = ImportRequest(
        file=file,
        report=report or Path(f"import-report-{stem}.csv"),
        currency=_currency(currency),
        payment=_payment(payment_token),
        limit=limit,
        stock_percent=with_stock,
    )
    plan = prepare(request)
    screen = console(stderr=True)
    async with opened() as services:
        with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
            tasks = partial(_task, progress)
            summary = await import_plan(services.handler, request, plan, tasks, Patience(note))
    return Answer(summary, lambda: _summary_table(summary))


def _currency(code: str) -> str:
    try:
        return parse_currency(code)
    except DomainError as error:
        raise WrongUsage(f"--{error}") from None


def _payment(token: str) -> PaymentTerms:
    try:
        return parse_payment(PaymentTerms(token))
    except DomainError as error:
        raise WrongUsage(f"--payment-token: {error}") from None


def _task(progress: Progress, name: str, size: int) -> OnProgress:
    task = progress.add_task(name, total=size)
    return lambda finished: progress.advance(task, finished)


def _summary_table(summary: ImportSummary) -> Table:
    rows: list[tuple[str, object]] = [
        ("orders submitted", summary.orders_new),
        ("orders already there", summary.orders_already_there),
        ("pieces received", summary.pieces_received),
        ("lines in the file", summary.lines_in_file),
        ("lines imported", summary.lines_taken),
        ("lines refused", summary.lines_refused),
        *((f"  {reason}", count) for reason, count in summary.refused_by_reason.items()),
        ("lines beyond the limit", summary.lines_beyond_limit),
        ("report of refused lines", summary.report),
    ]
    return make_table((str(summary.file), "count>"), rows)
