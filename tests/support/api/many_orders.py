"""A database with very many orders, as a shop has them after some years: most are done.

What is rare stands among the oldest orders, where a reader who begins with the latest comes last.
"""

from datetime import UTC, datetime
from typing import Final

import asyncpg

from eventstore.postgres.connection import survey

YEAR: Final = datetime(2026, 1, 1, tzinfo=UTC)
RARE: Final = 20
"""So many orders have each of the rare statuses."""

_ORDERS: Final = """
INSERT INTO read_models.current_orders
    (order_id, customer_id, status, currency, total_minor, line_count, item_count, reason,
     placed_at, submitted_at, updated_at, version, skus, country)
SELECT 'many-' || n, 'c' || n % 500,
       CASE WHEN n <= 20 THEN 'backordered'
            WHEN n % 5 = 3 THEN 'cancelled' WHEN n % 5 = 4 THEN 'processing' ELSE 'completed'
       END,
       CASE WHEN n % 1000 = 1 THEN 'CHF' ELSE 'GBP' END,
       n, 1, 1, CASE WHEN n % 5 = 3 THEN 'out_of_stock' END,
       $1::timestamptz + n * interval '1 minute', $1, $1, 5, ARRAY['usual', 's' || n % 500],
       CASE WHEN n <= 20 THEN 'IS' ELSE 'GB' END
FROM generate_series(1, $2::integer) AS n
"""
_PAYMENTS: Final = """
INSERT INTO read_models.payments
    (order_id, status, currency, authorised_minor, captured_minor, refunded_minor, kept_minor,
     pending_minor, reference, updated_at, version, pending)
SELECT 'many-' || n,
       CASE WHEN n <= 20 THEN 'expired' WHEN n % 5 = 3 THEN 'voided'
            WHEN n % 5 = 4 THEN 'authorised' WHEN n % 50 = 0 THEN 'refunded' ELSE 'captured' END,
       'GBP', 0, n, 0, n, 0, 'pay-' || n, $1::timestamptz + n * interval '1 minute', 3, '{}'
FROM generate_series(1, $2::integer) AS n WHERE n % 25 <> 3
"""
_PARCELS: Final = """
INSERT INTO read_models.parcels
    (order_id, status, carrier, tracking_number, needs_attention, updated_at, version)
SELECT 'many-' || n,
       CASE WHEN n <= 20 THEN 'lost' WHEN n % 50 = 1 THEN 'in_transit' ELSE 'delivered' END,
       'GBP', 'track-' || n, false, $1::timestamptz + n * interval '1 minute', 3
FROM generate_series(1, $2::integer) AS n WHERE n % 5 IN (0, 1, 2)
"""
_RETURNS: Final = """
INSERT INTO read_models.returns
    (order_id, return_id, kind, pieces, refund, restock, needs_attention, opened_at, closed_at,
     updated_at)
SELECT 'many-' || n, 'R1', 'return', 1,
       CASE WHEN n <= 40 THEN 'granted' WHEN n <= 60 THEN 'undecided' ELSE 'refunded' END, 'all',
       false, $1::timestamptz, CASE WHEN n > 60 THEN $1::timestamptz END, $1::timestamptz
FROM generate_series(1, $2::integer) AS n WHERE n % 20 = 0 OR n <= 60
"""
_AUDIT: Final = """
INSERT INTO read_models.audit_log
    (position, recorded_at, stream, category, version, event_type, actor, correlation_id,
     causation_id, event_id)
SELECT 1000000 + n, $1::timestamptz + n * interval '10 seconds', 'order-many-' || n / 4, 'order',
       1 + n % 4,
       (ARRAY['OrderSubmitted', 'OrderReserved', 'OrderProcessingStarted', 'OrderCompleted'])
           [1 + n % 4],
       'saga', 'order-many-' || n / 4, 'x', gen_random_uuid()
FROM generate_series(0, 4 * $2::integer - 1) AS n
"""
_TABLES: Final = tuple(
    f"read_models.{name}"
    for name in ("current_orders", "payments", "parcels", "returns", "audit_log")
)


async def fill(pool: asyncpg.Pool, orders: int, *, audited: int) -> None:
    """Put so many orders into the read models of a database that has none.

    The audit log knows the events of `audited` orders.
    """
    with survey():
        for text in (_ORDERS, _PAYMENTS, _PARCELS, _RETURNS):
            await pool.execute(text, YEAR, orders, timeout=900)
        await pool.execute(_AUDIT, YEAR, audited, timeout=900)
        await pool.execute(f"ANALYZE {', '.join(_TABLES)}", timeout=900)
