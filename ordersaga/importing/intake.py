"""Executes a plan in the event store: stock first, then the orders, many concurrently."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar
from uuid import uuid4

from activities.aggregates import ORDER, STOCK
from activities.messages import OrderDocument
from activities.orders.intake import OrderConflict, decide_intake
from domain.checks import MAX_QUANTITY
from domain.errors import DomainError
from domain.ids import OrderId, Sku, order_stream, stock_stream
from domain.order.events import OrderEvent
from domain.stock import item as stock_item
from domain.stock.commands import ReceiveStock
from domain.stock.events import StockEvent
from domain.stock.item import StockState
from eventstore.commands.folding import Loaded
from eventstore.commands.handler import CommandContext, CommandHandler, Decision
from eventstore.model import Metadata
from ordersaga.importing.plan import PlannedOrder, refuse_order
from ordersaga.importing.refusals import LineReason, RefusedLine

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


def _ignore(_finished: int) -> None:
    """No progress display."""


async def submit_orders(
    handler: CommandHandler, orders: Sequence[PlannedOrder], done: OnProgress = _ignore
) -> Submitted:
    """Create and submit each order; one that exists with the same content is unchanged.

    An order whose id belongs to an order with other content is refused with all its lines.
    """
    result = Submitted()

    async def submit(planned: PlannedOrder) -> None:
        await _submit(handler, planned, result)
        done(1)

    await _for_each(orders, submit)
    return result


async def _submit(handler: CommandHandler, planned: PlannedOrder, result: Submitted) -> None:
    document = planned.document
    stream = order_stream(document.order_id)
    try:
        is_new = await handler.execute(
            {stream: ORDER.fold}, partial(_decide_order, document), _context(stream)
        )
    except OrderConflict as error:
        result.refused += refuse_order(planned, LineReason.ORDER_CONFLICT, str(error))
        return
    except DomainError as error:
        result.refused += refuse_order(planned, LineReason.ORDER_REFUSED, str(error))
        return
    result.lines_taken += len(planned.taken)
    (result.new if is_new else result.already_there).append(document.order_id)


def _decide_order(document: OrderDocument, loaded: Mapping[str, Loaded[Any]]) -> Decision[bool]:
    stream = order_stream(document.order_id)
    events: Sequence[OrderEvent] = decide_intake(document, loaded[stream].state)
    return Decision({stream: events} if events else {}, bool(events))


async def receive_stock(
    handler: CommandHandler, digest: str, targets: Mapping[Sku, int], done: OnProgress = _ignore
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
        folds = {stock_stream(sku): STOCK.fold for sku in group}
        decide = partial(_decide_receipts, digest, group)
        received = await handler.execute(folds, decide, _context(f"import-{digest}"))
        pieces += received  # not before the await: other lanes add meanwhile
        done(len(group))

    await _for_each(_groups(targets), receive)
    return pieces


def _groups(targets: Mapping[Sku, int]) -> Iterable[Mapping[Sku, int]]:
    items = iter(sorted(item for item in targets.items() if item[1] > 0))
    while group := dict(islice(items, _SKUS_AT_ONCE)):
        yield group


def _decide_receipts(
    digest: str, targets: Mapping[Sku, int], loaded: Mapping[str, Loaded[Any]]
) -> Decision[int]:
    events: dict[str, Sequence[StockEvent]] = {}
    pieces = 0
    for sku, target in targets.items():
        state: StockState = loaded[stock_stream(sku)].state
        missing = max(0, target - _received(state, digest, sku))
        if missing:
            events[stock_stream(sku)] = _receipts(
                sku, missing, f"{_reference(digest, sku)}:{target}"
            )
        pieces += missing
    return Decision(events, pieces)


def _receipts(sku: Sku, pieces: int, reference: str) -> Sequence[StockEvent]:
    """One delivery, or several if one cannot hold that many pieces."""
    parts = [MAX_QUANTITY] * (pieces // MAX_QUANTITY)
    if rest := pieces % MAX_QUANTITY:
        parts.append(rest)
    return [
        event
        for number, part in enumerate(parts, start=1)
        for event in stock_item.decide(
            ReceiveStock(sku, part, f"{reference}:{number}"), stock_item.INITIAL
        )
    ]


def _reference(digest: str, sku: Sku) -> str:
    return f"import:{digest}:{sku}"


def _received(state: StockState, digest: str, sku: Sku) -> int:
    prefix = f"{_reference(digest, sku)}:"
    return sum(
        pieces for reference, pieces in state.deliveries.items() if reference.startswith(prefix)
    )


def _context(correlation_id: str) -> CommandContext:
    # A new id each time: the decision, not the event ids, recognises what was done before.
    command_id = f"import-{uuid4()}"
    return CommandContext(command_id, Metadata(correlation_id, command_id, ACTOR))


async def _for_each(items: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
    """Process all items, a limited number concurrently; the first failure ends it."""
    remaining = iter(items)

    async def lane() -> None:
        for item in remaining:
            await work(item)

    async with asyncio.TaskGroup() as lanes:
        for _ in range(_AT_ONCE):
            lanes.create_task(lane())
