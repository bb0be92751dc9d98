-- The stored rows that a batch changes.
SELECT order_id, customer_id, currency, placed_at, updated_at, status, total_minor, item_count,
       reason, tracking_number
FROM {schema}.customer_orders
WHERE order_id = ANY ($1)
