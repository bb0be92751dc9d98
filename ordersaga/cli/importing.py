"""`ordersaga import`: real orders from a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ordersaga.cli.common import Json, opened
from ordersaga.cli.output import console, emit, make_table, run
from ordersaga.errors import WrongUsage

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

    from domain.values import PaymentTerms
    from ordersaga.importing.intake import Done
    from ordersaga.importing.run import ImportOrder, ImportSummary


def register(app: typer.Typer) -> None:
    """Mount the command."""
    app.command("import")(import_)


def import_(
    file: Annotated[Path, typer.Argument(help="CSV or CSV.gz of the Online Retail form.")],
    limit: Annotated[
        int | None, typer.Option(min=1, max=10_000_000, help="Take at most so many orders.")
    ] = None,
    currency: Annotated[str, typer.Option(help="Of the file's prices.")] = "GBP",
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
        str, typer.Option(help="The data has no payments: pay all orders with this.")
    ] = "tok_visa",  # noqa: S107  a test token of the sandbox, no secret
    report: Annotated[
        Path | None,
        typer.Option(
            help="Refused lines go here: JSON lines if it ends in .jsonl, else CSV.",
            show_default="import-report-<file>.csv",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Submit the orders of a file; what is refused is reported by line and reason.

    A file that cannot be read changes nothing. Running it again adds nothing.
    """
    from ordersaga.importing.run import ImportOrder

    stem = file.name.removesuffix(".gz").removesuffix(".csv") or "file"
    wish = ImportOrder(
        file=file,
        report=report or Path(f"import-report-{stem}.csv"),
        currency=_currency(currency),
        payment=_payment(payment_token),
        limit=limit,
        stock_percent=with_stock,
    )
    run(_import(wish, as_json))


def _currency(code: str) -> str:
    from domain.errors import DomainError
    from domain.money import Money

    try:
        return Money.zero(code).currency
    except DomainError as error:
        raise WrongUsage(f"--{error}") from None


def _payment(token: str) -> "PaymentTerms":
    from domain.checks import check_payment
    from domain.errors import DomainError
    from domain.values import PaymentTerms

    payment = PaymentTerms(token)
    try:
        check_payment(payment, "payment")
    except DomainError as error:
        raise WrongUsage(f"--payment-token: {error}") from None
    return payment


async def _import(wish: "ImportOrder", as_json: bool) -> None:
    from rich.progress import Progress

    from ordersaga.importing.run import Displays, import_plan, prepare

    screen = console(stderr=True)
    plan = prepare(wish)
    async with opened() as services:
        with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
            displays = Displays(task=lambda name, size: _task(progress, name, size))
            summary = await import_plan(services.handler, wish, plan, displays)
    emit(summary, as_json=as_json, view=lambda: summary_table(summary))


def _task(progress: "Progress", name: str, size: int) -> "Done":
    task = progress.add_task(name, total=size)
    return lambda finished: progress.advance(task, finished)


def summary_table(summary: "ImportSummary") -> "Table":
    """An import in numbers, for people."""
    rows: list[tuple[str, object]] = [
        ("orders submitted", summary.orders_new),
        ("orders already there", summary.orders_already_there),
        ("pieces received", summary.pieces_received),
        ("lines in the file", summary.lines_in_file),
        ("lines taken", summary.lines_taken),
        ("lines refused", summary.lines_refused),
        *((f"  {reason}", count) for reason, count in summary.refused_by_reason.items()),
        ("lines beyond the limit", summary.lines_beyond_limit),
        ("report of refused lines", summary.report),
    ]
    return make_table((str(summary.file), "count>"), rows)
