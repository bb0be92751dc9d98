-- The timeline of an order up to a time and after a cursor, oldest first; nulls select everything.
SELECT order_id, position, recorded_at, stream, version, event_type, line, actor
FROM {schema}.order_history
WHERE order_id = $1
  AND ($2::timestamptz IS NULL OR recorded_at <= $2)
  AND ($3::bigint IS NULL OR position > $3)
ORDER BY position
LIMIT $4
