"""Runs an import: plan, receive stock, submit, report."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from eventstore.commands.handler import CommandHandler
from ordersaga.importing.intake import OnProgress, receive_stock, submit_orders
from ordersaga.importing.patience import Patience
from ordersaga.importing.plan import ImportPlan, part_of
from ordersaga.importing.report import ON_SCREEN, Outcome, Reason, write_report


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """The numbers of an import.

    lines_in_file = lines_taken + lines_left_out + lines_refused + lines_beyond_limit. Of a dry run,
    orders_new and lines_taken are what would be new to an empty event store.
    """

    file: str
    format: str
    digest: str
    dry_run: bool
    lines_in_file: int
    lines_taken: int
    lines_left_out: int
    lines_refused: int
    lines_beyond_limit: int
    left_out_by_reason: dict[str, int]
    refused_by_reason: dict[str, int]
    orders_new: int
    orders_already_there: int
    orders_left_out: int
    orders_refused: int
    ids_unified: int
    pieces_received: int
    report: Path | None
    remarks: list[str] = field(default_factory=list)

    @property
    def nothing_taken(self) -> bool:
        """No order of the file is in the event store, or would be."""
        return not self.orders_new + self.orders_already_there


NewTask = Callable[[str, int | None], OnProgress]
"""Shows the progress of a new task; called with its name, and its size if that is known."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What to do with a plan; `report` is the file for what is not taken."""

    name: str
    report: Path | None = None
    stock_percent: int | None = None


async def import_plan(
    handler: CommandHandler,
    plan: ImportPlan,
    options: ImportOptions,
    new_task: NewTask,
    patience: Patience | None = None,
) -> ImportSummary:
    """Execute a plan in the event store and write the report; short outages are ridden out."""
    patience = patience or Patience()
    pieces = await _receive(handler, options, plan, new_task, patience)
    done = new_task("submitting orders", plan.size)
    submitted = await submit_orders(handler, plan.orders(), done, patience, plan.refuse)
    return _finished(
        plan,
        options,
        dry_run=False,
        lines_taken=submitted.lines_taken,
        orders_new=submitted.new,
        orders_already_there=submitted.already_there,
        orders_refused=plan.orders_refused + submitted.refused,
        pieces_received=pieces,
    )


def without_import(plan: ImportPlan, options: ImportOptions) -> ImportSummary:
    """What an import of the plan would do; writes only the report."""
    return _finished(
        plan,
        options,
        dry_run=True,
        lines_taken=plan.lines_planned,
        orders_new=plan.size,
        orders_already_there=0,
        orders_refused=plan.orders_refused,
        pieces_received=0,
    )


def _finished(
    plan: ImportPlan,
    options: ImportOptions,
    *,
    dry_run: bool,
    lines_taken: int,
    orders_new: int,
    orders_already_there: int,
    orders_refused: int,
    pieces_received: int,
) -> ImportSummary:
    left_out = plan.workspace.count_entries(Outcome.LEFT_OUT)
    refused = plan.workspace.count_entries(Outcome.REFUSED)
    if options.report is not None:
        write_report(options.report, plan.workspace.entries())
    return ImportSummary(
        file=options.name,
        format=plan.format,
        digest=plan.digest,
        dry_run=dry_run,
        lines_in_file=plan.lines_in_file,
        lines_taken=lines_taken,
        lines_left_out=sum(left_out.values()),
        lines_refused=sum(refused.values()),
        lines_beyond_limit=plan.lines_beyond_limit,
        left_out_by_reason=left_out,
        refused_by_reason=refused,
        orders_new=orders_new,
        orders_already_there=orders_already_there,
        orders_left_out=plan.orders_left_out,
        orders_refused=orders_refused,
        ids_unified=plan.ids_unified,
        pieces_received=pieces_received,
        report=options.report,
        remarks=[*plan.remarks, *(_shown(plan) if options.report is None else ())],
    )


def _shown(plan: ImportPlan) -> Iterator[str]:
    """The first entries of the report, for the screen."""
    listed = (
        entry
        for outcome in (Outcome.REFUSED, Outcome.NOTED)
        for entry in plan.workspace.entries(outcome)
        if entry.reason != Reason.OTHER_LINE
    )
    yield from map(str, islice(listed, ON_SCREEN))
    if rest := sum(1 for _ in listed):
        yield f"and {rest:,} more: --report FILE writes all"


async def _receive(
    handler: CommandHandler,
    options: ImportOptions,
    plan: ImportPlan,
    new_task: NewTask,
    patience: Patience,
) -> int:
    if options.stock_percent is None:
        return 0
    targets = {sku: part_of(pieces, options.stock_percent) for sku, pieces in plan.demand.items()}
    done = new_task("receiving stock", sum(pieces > 0 for pieces in targets.values()))
    return await receive_stock(handler, plan.digest, targets, done, patience)
