"""Runs an import: read, receive stock, submit, report."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from domain.values import PaymentTerms
from eventstore.commands.handler import CommandHandler
from ordersaga.importing.intake import OnProgress, receive_stock, submit_orders
from ordersaga.importing.patience import Patience
from ordersaga.importing.plan import ImportPlan, demand, part_of, read_plan
from ordersaga.importing.refusals import RefusedLine, check_report_path, write_report


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """The numbers of an import.

    lines_in_file = lines_taken + lines_refused + lines_beyond_limit.
    """

    file: Path
    digest: str
    lines_in_file: int
    lines_taken: int
    lines_refused: int
    lines_beyond_limit: int
    refused_by_reason: dict[str, int]
    orders_new: int
    orders_already_there: int
    pieces_received: int
    report: Path


NewTask = Callable[[str, int], OnProgress]
"""Shows the progress of a new task; called with its name and size."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """The options of `ordersaga import`."""

    file: Path
    report: Path
    currency: str
    payment: PaymentTerms
    limit: int | None = None
    stock_percent: int | None = None


def prepare(request: ImportRequest) -> ImportPlan:
    """Plan the import and check that the report can be written; changes nothing.

    Raises:
        UnreadableFile, ReportFailed: the file or the report cannot be used.
    """
    plan = read_plan(request.file, request.currency, request.payment, request.limit)
    check_report_path(request.report, request.file)
    return plan


async def import_plan(
    handler: CommandHandler,
    request: ImportRequest,
    plan: ImportPlan,
    new_task: NewTask,
    patience: Patience | None = None,
) -> ImportSummary:
    """Execute a plan in the event store and write the report; short outages are ridden out."""
    patience = patience or Patience()
    pieces = await _receive(handler, request, plan, new_task, patience)
    done = new_task("submitting orders", len(plan.orders))
    submitted = await submit_orders(handler, plan.orders, done, patience)
    refusals = sorted([*plan.refused, *submitted.refused], key=lambda refusal: refusal.line)
    write_report(request.report, refusals)
    return ImportSummary(
        file=request.file,
        digest=plan.digest,
        lines_in_file=plan.lines_in_file,
        lines_taken=submitted.lines_taken,
        lines_refused=len(refusals),
        lines_beyond_limit=plan.lines_beyond_limit,
        refused_by_reason=_by_reason(refusals),
        orders_new=len(submitted.new),
        orders_already_there=len(submitted.already_there),
        pieces_received=pieces,
        report=request.report,
    )


async def _receive(
    handler: CommandHandler,
    request: ImportRequest,
    plan: ImportPlan,
    new_task: NewTask,
    patience: Patience,
) -> int:
    if request.stock_percent is None:
        return 0
    targets = {
        sku: part_of(pieces, request.stock_percent) for sku, pieces in demand(plan.orders).items()
    }
    done = new_task("receiving stock", sum(pieces > 0 for pieces in targets.values()))
    return await receive_stock(handler, plan.digest, targets, done, patience)


def _by_reason(refusals: list[RefusedLine]) -> dict[str, int]:
    return dict(Counter(refusal.reason.value for refusal in refusals).most_common())
