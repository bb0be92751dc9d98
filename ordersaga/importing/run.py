"""A whole import: read, receive stock, submit, report."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from domain.values import PaymentTerms
from eventstore.commands.handler import CommandHandler
from ordersaga.importing.intake import Done, receive_stock, submit_orders
from ordersaga.importing.plan import ImportPlan, demand, part_of, read_plan
from ordersaga.importing.refusals import RefusedLine, check_report_path, write_report


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did, in numbers.

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


@dataclass(frozen=True, slots=True)
class Displays:
    """Where progress is shown: makes a `Done` for a task of that name and size."""

    task: Callable[[str, int], Done]


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What the caller wants: see the options of `ordersaga import`."""

    file: Path
    report: Path
    currency: str
    payment: PaymentTerms
    limit: int | None = None
    stock_percent: int | None = None


def prepare(wish: ImportOrder) -> ImportPlan:
    """Read and judge the whole file and make sure the report can be written; changes nothing.

    Raises:
        ImportRefused: the file or the report file is unusable.
    """
    plan = read_plan(wish.file, wish.currency, wish.payment, wish.limit)
    check_report_path(wish.report, wish.file)
    return plan


async def import_plan(
    handler: CommandHandler, wish: ImportOrder, plan: ImportPlan, displays: Displays
) -> ImportSummary:
    """Put a prepared plan into the event store and write the report."""
    pieces = await _receive(handler, wish, plan, displays)
    done = displays.task("submitting orders", len(plan.orders))
    submitted = await submit_orders(handler, plan.orders, done)
    refusals = sorted([*plan.refused, *submitted.refused], key=lambda refusal: refusal.line)
    write_report(wish.report, refusals)
    return ImportSummary(
        file=wish.file,
        digest=plan.digest,
        lines_in_file=plan.lines_in_file,
        lines_taken=submitted.lines_taken,
        lines_refused=len(refusals),
        lines_beyond_limit=plan.lines_beyond_limit,
        refused_by_reason=_by_reason(refusals),
        orders_new=len(submitted.new),
        orders_already_there=len(submitted.already_there),
        pieces_received=pieces,
        report=wish.report,
    )


async def _receive(
    handler: CommandHandler, wish: ImportOrder, plan: ImportPlan, displays: Displays
) -> int:
    if wish.stock_percent is None:
        return 0
    wanted = {
        sku: part_of(pieces, wish.stock_percent) for sku, pieces in demand(plan.orders).items()
    }
    done = displays.task("receiving stock", sum(pieces > 0 for pieces in wanted.values()))
    return await receive_stock(handler, plan.digest, wanted, done)


def _by_reason(refusals: list[RefusedLine]) -> dict[str, int]:
    return dict(Counter(refusal.reason.value for refusal in refusals).most_common())
