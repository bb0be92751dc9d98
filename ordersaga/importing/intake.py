"""Executes a plan in the event store: stock first, then the orders, many concurrently."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Final, TypeVar
from uuid import uuid4

from activities.aggregates import ORDER, STOCK
from activities.orders.intake import OrderConflict, submit
from activities.unit_of_work import UnitOfWork, transact
from domain.errors import DomainError
from domain.fields import MAX_QUANTITY
from domain.ids import Sku
from domain.stock.commands import ReceiveStock
from eventstore.commands.handler import CommandContext, CommandHandler
from eventstore.model import Metadata
from ordersaga.importing.patience import Patience
from ordersaga.importing.plan import PlannedOrder
from ordersaga.importing.report import Reason
from projections.engine.concurrently import run_concurrently

ACTOR: Final = "import"
_AT_ONCE: Final = 32
_SKUS_AT_ONCE: Final = 20

T = TypeVar("T")
OnProgress = Callable[[int], None]
"""Called with the number of items that were just finished, for a progress display."""


OnRefusal = Callable[[PlannedOrder, Reason, str], None]
"""Called with an order that the event store does not take, the reason and a text."""


@dataclass(slots=True)
class Submitted:
    """How many of the planned orders, and of their lines, are in the event store."""

    new: int = 0
    already_there: int = 0
    refused: int = 0
    lines_taken: int = 0


def _ignore(_order: PlannedOrder, _reason: Reason, _detail: str) -> None:
    pass


async def submit_orders(
    handler: CommandHandler,
    orders: Iterable[PlannedOrder],
    done: OnProgress = lambda _: None,
    patience: Patience | None = None,
    refuse: OnRefusal = _ignore,
) -> Submitted:
    """Create and submit each order; one that exists with the same content is unchanged.

    An order whose id belongs to an order with other content is refused.
    """
    result = Submitted()

    async def take(planned: PlannedOrder) -> None:
        await _submit(handler, planned, result, refuse)
        done(1)

    await _for_each(orders, take, patience or Patience())
    return result


async def _submit(
    handler: CommandHandler, planned: PlannedOrder, result: Submitted, refuse: OnRefusal
) -> None:
    document = planned.document
    order, now = ORDER.stream(document.order_id), datetime.now(UTC)
    try:
        is_new = await transact(
            handler, (order,), lambda unit: submit(unit, document, now), _context(order.name)
        )
    except (OrderConflict, DomainError) as error:
        conflict = isinstance(error, OrderConflict)
        result.refused += 1
        reason = Reason.ORDER_CONFLICT if conflict else Reason.ORDER_REFUSED
        refuse(planned, reason, str(error))
        return
    result.lines_taken += len(planned.lines)
    result.new += is_new
    result.already_there += not is_new


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
