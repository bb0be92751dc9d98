-- Open orders whose stream has been quiet, longest quiet first, after a cursor.
SELECT order_id, updated_at
FROM read_models.current_orders
WHERE status IN ('submitted', 'backordered', 'reserved', 'processing')
  AND (updated_at, order_id) > ($1::timestamptz, $2::text)
  AND updated_at < now() - $3::interval
ORDER BY updated_at, order_id
LIMIT $4
