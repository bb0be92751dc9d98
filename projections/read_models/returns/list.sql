-- Returns after a cursor, latest changed first.
SELECT order_id, return_id, kind, pieces, refund, refund_minor, currency, restock, restock_pieces,
       needs_attention, at_step, waiting_for, last_operator, opened_at, closed_at, updated_at
FROM {schema}.returns
WHERE true
  -- if order_id
  AND order_id = {value}
  -- if open_only
  AND closed_at IS NULL
  -- if needs_attention
  AND needs_attention = {value}
  -- if after
  AND (updated_at, order_id, return_id) < ({value}, {value}, {value})
ORDER BY updated_at DESC, order_id DESC, return_id DESC
LIMIT {value}
