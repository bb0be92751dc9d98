-- The timeline of an order after a position, oldest first; a null filter is no filter.
SELECT order_id, position, recorded_at, stream, version, event_type, line, actor
FROM {schema}.order_history
WHERE order_id = $1
  AND ($2::bigint IS NULL OR position > $2)
  AND ($3::timestamptz IS NULL OR recorded_at <= $3)
ORDER BY position
LIMIT $4
