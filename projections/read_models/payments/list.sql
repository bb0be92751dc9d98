-- Payments with what their orders cost, latest changed first, after a cursor; nulls select all.
SELECT payment.order_id, payment.status, payment.currency,
       CASE coalesce(orders.status, 'cancelled') WHEN 'cancelled' THEN 0
           ELSE orders.total_minor END AS wanted_minor,
       payment.authorised_minor, payment.captured_minor, payment.refunded_minor,
       payment.kept_minor, payment.pending_minor, payment.reference, payment.decline_code,
       coalesce(orders.status, 'unknown') AS order_status, orders.customer_id, orders.placed_at,
       payment.updated_at
FROM {schema}.payments AS payment
LEFT JOIN {schema}.current_orders AS orders USING (order_id)
WHERE ($1::text IS NULL OR payment.status = $1)
  AND ($2::text IS NULL OR payment.currency = $2)
  AND ($3::text IS NULL OR payment.reference = $3)
  AND ($4::timestamptz IS NULL OR payment.updated_at >= $4)
  AND ($5::timestamptz IS NULL OR payment.updated_at < $5)
  AND ($6::timestamptz IS NULL OR (payment.updated_at, payment.order_id) < ($6, $7::text))
ORDER BY payment.updated_at DESC, payment.order_id DESC
LIMIT $8
