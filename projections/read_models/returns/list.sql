-- Returns after a cursor, latest changed first; nulls select everything.
SELECT order_id, return_id, kind, pieces, refund, refund_minor, currency, restock, restock_pieces,
       needs_attention, at_step, waiting_for, last_operator, opened_at, closed_at, updated_at
FROM {schema}.returns
WHERE ($1::text IS NULL OR order_id = $1)
  AND (NOT $2::boolean OR closed_at IS NULL)
  AND ($3::boolean IS NULL OR needs_attention = $3)
  AND (
      $4::timestamptz IS NULL
      OR (updated_at, order_id, return_id) < ($4, $5::text, $6::text)
  )
ORDER BY updated_at DESC, order_id DESC, return_id DESC
LIMIT $7
