-- A customer's orders after a cursor, latest placed first.
SELECT order_id, customer_id, currency, placed_at, updated_at, status, total_minor, item_count,
       reason, tracking_number
FROM {schema}.customer_orders
WHERE true
  -- if customer_id
  AND customer_id = {value}
  -- if status
  AND status = {value}
  -- if after
  AND (placed_at, order_id) < ({value}, {value})
ORDER BY placed_at DESC, order_id DESC
LIMIT {value}
