-- A customer's orders after a cursor, latest placed first.
SELECT order_id, customer_id, currency, placed_at, updated_at, status, total_minor, item_count,
       reason, tracking_number
FROM {schema}.customer_orders
WHERE customer_id = $1
  AND ($2::text IS NULL OR status = $2)
  AND ($3::timestamptz IS NULL OR (placed_at, order_id) < ($3, $4::text))
ORDER BY placed_at DESC, order_id DESC
LIMIT $5
