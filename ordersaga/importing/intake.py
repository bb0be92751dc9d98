"""Executes a plan in the event store: stock first, then the orders, many concurrently."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final, TypeVar
from uuid import uuid4

from activities.aggregates import ORDER, STOCK
from activities.orders.intake import OrderConflict, decide_intake
from activities.unit_of_work import UnitOfWork, transact
from domain.errors import DomainError
from domain.fields import MAX_QUANTITY
from domain.ids import OrderId, Sku
from domain.stock.commands import ReceiveStock
from eventstore.commands.handler import CommandContext, CommandHandler
from eventstore.model import Metadata
from ordersaga.importing.patience import Patience
from ordersaga.importing.plan import PlannedOrder, refuse_order
from ordersaga.importing.refusals import LineReason, RefusedLine
from projections.engine.concurrently import run_concurrently

ACTOR: Final = "import"
_AT_ONCE: Final = 32
_SKUS_AT_ONCE: Final = 20

T = TypeVar("T")
OnProgress = Callable[[int], None]
"""Called with the number of items that were just finished, for a progress display."""


@dataclass(slots=True)
class Submitted:
    """What happened to the planned orders."""

    new: list[OrderId] = field(default_factory=list)
    already_there: list[OrderId] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)
    lines_taken: int = 0


async def submit_orders(
    handler: CommandHandler,
    orders: Sequence[PlannedOrder],
    done: OnProgress = lambda _: None,
    patience: Patience | None = None,
) -> Submitted:
    """Create and submit each order; one that exists with the same content is unchanged.

    An order whose id belongs to an order with other content is refused with all its lines.
    """
    result = Submitted()

    async def submit(planned: PlannedOrder) -> None:
        await _submit(handler, planned, result)
        done(1)

    await _for_each(orders, submit, patience or Patience())
    return result


async def _submit(handler: CommandHandler, planned: PlannedOrder, result: Submitted) -> None:
    document = planned.document
    order = ORDER.stream(document.order_id)

    def submit(unit: UnitOfWork) -> bool:
        unit.record(order, decide_intake(document, unit.state(order)))
        return bool(unit.events)

    try:
        is_new = await transact(handler, (order,), submit, _context(order.name))
    except OrderConflict as error:
        result.refused += refuse_order(planned, LineReason.ORDER_CONFLICT, str(error))
        return
    except DomainError as error:
        result.refused += refuse_order(planned, LineReason.ORDER_REFUSED, str(error))
        return
    result.lines_taken += len(planned.taken)
    (result.new if is_new else result.already_there).append(document.order_id)


async def receive_stock(
    handler: CommandHandler,
    digest: str,
    targets: Mapping[Sku, int],
    done: OnProgress = lambda _: None,
    patience: Patience | None = None,
) -> int:
    """Receive pieces until this import has received `targets` of each product.

    Earlier imports of the same file (by its `digest`) count: repeating one adds nothing, and a
    larger target adds the difference.

    Returns:
        The number of pieces received now.
    """
    pieces = 0

    async def receive(group: Mapping[Sku, int]) -> None:
        nonlocal pieces
        rule, context = partial(_receive, digest, group), _context(f"import-{digest}")
        received = await transact(handler, STOCK.streams(group), rule, context)
        pieces += received  # read `pieces` after the await: other tasks change it meanwhile
        done(len(group))

    await _for_each(_groups(targets), receive, patience or Patience())
    return pieces


def _groups(targets: Mapping[Sku, int]) -> Iterable[Mapping[Sku, int]]:
    items = iter(sorted(item for item in targets.items() if item[1] > 0))
    while group := dict(islice(items, _SKUS_AT_ONCE)):
        yield group


def _receive(digest: str, targets: Mapping[Sku, int], unit: UnitOfWork) -> int:
    pieces = 0
    for sku, target in targets.items():
        stock, prefix = STOCK.stream(sku), f"import:{digest}:{sku}:"
        deliveries = unit.state(stock).deliveries.items()
        received = sum(count for reference, count in deliveries if reference.startswith(prefix))
        missing = max(0, target - received)
        for number, part in enumerate(_parts(missing), start=1):
            unit.execute(stock, ReceiveStock(sku, part, f"{prefix}{target}:{number}"))
        pieces += missing
    return pieces


def _parts(pieces: int) -> Iterator[int]:
    """One delivery, or several if one cannot hold that many pieces."""
    while pieces > 0:
        yield min(pieces, MAX_QUANTITY)
        pieces -= MAX_QUANTITY


def _context(correlation_id: str) -> CommandContext:
    # A new id each time: the decision, not the event ids, recognises what was done before.
    command_id = f"import-{uuid4()}"
    return CommandContext(command_id, Metadata(correlation_id, command_id, ACTOR))


async def _for_each(
    items: Iterable[T], work: Callable[[T], Awaitable[None]], patience: Patience
) -> None:
    """Process all items, a limited number concurrently; the first failure ends it.

    What an outage interrupts is repeated: the decisions recognise what was done already.
    """
    remaining = iter(items)

    async def lane() -> None:
        for item in remaining:
            await patience.repeat(partial(work, item))

    await run_concurrently(lane() for _ in range(_AT_ONCE))
