"""`ordersaga import`: orders from files of shops."""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer
from rich.progress import Progress
from rich.table import Table

from domain.errors import DomainError
from domain.fields import parse_currency, parse_payment
from domain.values import PaymentTerms
from ordersaga.cli.answers import Answer, answering
from ordersaga.cli.common import opened
from ordersaga.cli.output import OK, note
from ordersaga.display.tables import console, make_table
from ordersaga.errors import REFUSED, WrongUsage
from ordersaga.importing.intake import OnProgress
from ordersaga.importing.patience import Patience
from ordersaga.importing.plan import JSON_LINES, ImportPlan, Request, read_plan
from ordersaga.importing.report import check_report_path
from ordersaga.importing.run import (
    ImportOptions,
    ImportSummary,
    NewTask,
    import_plan,
    without_import,
)


class Format(StrEnum):
    """The formats of files; each has a mapping file, but for JSON lines."""

    ONLINE_RETAIL = "online-retail"
    ONLINE_RETAIL_II = "online-retail-ii"
    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    JSON_LINES = JSON_LINES


class DateOrder(StrEnum):
    """The order of the parts of a date."""

    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"


class DecimalSign(StrEnum):
    """The sign before the decimals."""

    POINT = "."
    COMMA = ","


_FILE: Final = "A table (CSV, tab or semicolons) or JSON lines, also as gzip; -: standard input."


@answering
async def import_orders(
    file: Annotated[Path, typer.Argument(help=_FILE, allow_dash=True)],
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format", help="The format of the file.", show_default="what its header says"
        ),
    ] = None,
    map_: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE.toml", help="A mapping file that describes the format."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, without a database.")
    ] = False,
    partial_: Annotated[
        bool,
        typer.Option(
            "--partial", help="Submit an order without those of its lines that cannot be read."
        ),
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, max=10_000_000, help="Import at most this many orders.")
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency of the prices, if the file does not say it.")
    ] = None,
    date_order: Annotated[
        DateOrder | None,
        typer.Option(help="Order of day, month and year, if the file does not prove it."),
    ] = None,
    decimal: Annotated[
        DecimalSign | None, typer.Option(help="Decimal sign, if the file does not prove it.")
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(
            help="Time zone of times without one, such as Europe/Berlin.",
            show_default="that of the format",
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            help="Encoding of the text, such as windows-1252.", show_default="UTF-8 or UTF-16"
        ),
    ] = None,
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
        str, typer.Option(help="Token that pays for the orders for which the file has none.")
    ] = "tok_visa",  # noqa: S107  a test token of the sandbox, no secret
    report: Annotated[
        Path | None,
        typer.Option(
            help="File for the lines that are not taken: JSON lines if its name ends in .jsonl, "
            "otherwise CSV; -: standard error.",
            show_default="the first ones on standard error",
        ),
    ] = None,
) -> Answer:
    """Submit the orders of a file.

    An order with a line that cannot be read is refused as a whole. A file that cannot be read
    changes nothing. Importing the same file again adds nothing. Exit code 1: no order was taken.
    """
    request = Request(
        file=file,
        token=_token(payment_token),
        format=format_,
        map=map_,
        currency=_currency(currency),
        date_order=date_order,
        decimal=decimal,
        time_zone=_zone(time_zone),
        encoding=_encoding(encoding),
        partial=partial_,
        limit=limit,
    )
    if format_ and map_:
        raise WrongUsage("give either --format or --map")
    if report is not None and str(report) != "-":
        check_report_path(report, file)
    options = ImportOptions(str(file), report, with_stock)
    screen = console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
        tasks = partial(_task, progress)
        with read_plan(request, tasks("reading lines", None)) as plan:
            summary = await _import(plan, options, tasks, dry_run=dry_run)
    code = REFUSED if summary.nothing_taken else OK
    return Answer(summary, lambda: _summary_table(summary), code, summary.remarks)


async def _import(
    plan: ImportPlan,
    options: ImportOptions,
    tasks: NewTask,
    *,
    dry_run: bool,
) -> ImportSummary:
    if dry_run:
        return without_import(plan, options)
    async with opened() as services:
        return await import_plan(services.handler, plan, options, tasks, Patience(note))


def _currency(code: str | None) -> str | None:
    try:
        return code and parse_currency(code)
    except DomainError as error:
        raise WrongUsage(f"--{error}") from None


def _token(token: str) -> str:
    try:
        return str(parse_payment(PaymentTerms(token)).token)
    except DomainError as error:
        raise WrongUsage(f"--payment-token: {error}") from None


def _zone(name: str | None) -> str | None:
    try:
        return name and ZoneInfo(name).key
    except (ValueError, OSError, LookupError):
        raise WrongUsage(f"--time-zone: {name!r} is not known; Europe/Berlin is one") from None


def _encoding(name: str | None) -> str | None:
    try:
        "a".encode(name or "utf-8")
    except (LookupError, UnicodeError):
        raise WrongUsage(f"--encoding: {name!r} is not known; windows-1252 is one") from None
    return name


def _task(progress: Progress, name: str, size: int | None) -> OnProgress:
    if progress.disable:
        return lambda _: None
    task = progress.add_task(name, total=size)
    return lambda finished: progress.advance(task, finished)


def _summary_table(summary: ImportSummary) -> Table:
    rows: list[tuple[str, object]] = [
        ("orders to submit" if summary.dry_run else "orders submitted", summary.orders_new),
        ("orders already there", summary.orders_already_there),
        ("orders left out", summary.orders_left_out),
        ("orders refused", summary.orders_refused),
        ("pieces received", summary.pieces_received),
        ("lines in the file", summary.lines_in_file),
        ("lines imported", summary.lines_taken),
        ("lines left out", summary.lines_left_out),
        *((f"  {reason}", count) for reason, count in summary.left_out_by_reason.items()),
        ("lines refused", summary.lines_refused),
        *((f"  {reason}", count) for reason, count in summary.refused_by_reason.items()),
        ("lines beyond the limit", summary.lines_beyond_limit),
        ("ids written in several forms", summary.ids_unified),
    ]
    if summary.report is not None:
        rows.append(("report", summary.report))
    return make_table((summary.file, "count>"), rows)
