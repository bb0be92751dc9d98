-- Payments with what their orders cost, latest changed first, after a cursor.
SELECT payment.order_id, payment.status, payment.currency,
       CASE coalesce(orders.status, 'cancelled') WHEN 'cancelled' THEN 0
           ELSE orders.total_minor END AS wanted_minor,
       payment.authorised_minor, payment.captured_minor, payment.refunded_minor,
       payment.kept_minor, payment.pending_minor, payment.reference, payment.decline_code,
       coalesce(orders.status, 'unknown') AS order_status, orders.customer_id, orders.placed_at,
       payment.updated_at
FROM {schema}.payments AS payment
LEFT JOIN {schema}.current_orders AS orders USING (order_id)
WHERE true
  -- if status
  AND payment.status = {value}
  -- if currency
  AND payment.currency = {value}
  -- if reference
  AND payment.reference = {value}
  -- if changed_from
  AND payment.updated_at >= {value}
  -- if changed_before
  AND payment.updated_at < {value}
  -- if after
  AND (payment.updated_at, payment.order_id) < ({value}, {value})
ORDER BY payment.updated_at DESC, payment.order_id DESC
LIMIT {value}
