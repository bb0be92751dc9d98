"""Search by anything: what a text names, and the orders that belong to it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from eventstore.postgres.connection import survey
from ordersaga.operations.order_lists import ListedOrder, OrderQuery, list_with_statuses
from projections.engine.projection import Pool
from projections.engine.sql_files import statement
from projections.paging import make_row
from projections.read_models.current_orders.model import OrderFilter

SHOWN: Final = 20
"""Matches of each kind."""

_sql: Final = partial(statement, __package__)
_PREFIXES: Final = ("order-", "payment-", "shipment-", "fulfillment-", "returns-", "delivery-")
_RETURN: Final = re.compile(r"return-(.+)-[^-]+")
_TRACE: Final = re.compile(r"(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?")


@dataclass(frozen=True, slots=True)
class Match:
    """Something that the text names.

    Attributes:
        by: what the text is of it: order_id, reference (or the beginning of one of them),
            workflow_id, customer_id, payment_reference, tracking_number, trace_id or sku.
        value: the whole of it.
    """

    by: str
    value: str
    order_id: str | None
    sku: str | None
    customer_id: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found; at most 20 matches of each kind.

    Attributes:
        orders: those of the matches, latest placed first.
    """

    matches: Sequence[Match]
    orders: Sequence[ListedOrder]


async def search(pool: Pool, text: str) -> Found:
    """Everything that a text names: an id or the beginning of one, a reference, a trace."""
    text = text.strip()
    with survey():
        rows = await pool.fetch(_sql("matches"), text, list(_orders_of(text)), _trace(text), SHOWN)
    matches = [make_row(Match)(row) for row in rows]
    order_ids = tuple(dict.fromkeys(match.order_id for match in matches if match.order_id))
    query = OrderQuery(OrderFilter(order_ids=order_ids))
    page = await list_with_statuses(pool, query, len(order_ids), None) if order_ids else None
    return Found(matches, page.items if page else ())


def _orders_of(text: str) -> Iterator[str]:
    """The ids of orders of whose workflows or streams it may be the name."""
    for prefix in _PREFIXES:
        if text.startswith(prefix):
            yield text.removeprefix(prefix)
    if match := _RETURN.fullmatch(text):
        yield match[1]


def _trace(text: str) -> str | None:
    match = _TRACE.fullmatch(text.lower())
    return match[1] if match else None
