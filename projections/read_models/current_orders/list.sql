-- Orders after a cursor, latest placed first; nulls select everything.
SELECT order_id, customer_id, currency, placed_at, updated_at, status, total_minor, line_count,
       item_count, reason, payment_reference, tracking_number, reference, submitted_at, closed_at,
       version
FROM {schema}.current_orders
WHERE ($1::text IS NULL OR status = $1)
  AND ($2::text IS NULL OR customer_id = $2)
  AND ($3::text IS NULL OR reason = $3)
  AND ($4::timestamptz IS NULL OR placed_at >= $4)
  AND ($5::timestamptz IS NULL OR placed_at < $5)
  AND ($6::text[] IS NULL OR order_id = ANY ($6))
  AND ($7::text IS NULL OR reference = $7)
  AND ($8::text IS NULL OR order_id LIKE $8 OR reference LIKE $8)
  AND ($9::timestamptz IS NULL OR (placed_at, order_id) < ($9, $10::text))
ORDER BY placed_at DESC, order_id DESC
LIMIT $11
