-- The stored rows that a batch changes.
SELECT order_id, customer_id, currency, placed_at, updated_at, status, total_minor, line_count,
       item_count, reason, payment_reference, tracking_number, reference, submitted_at, closed_at,
       version, country, draft, array_to_string(skus, ' ') AS skus
FROM {schema}.current_orders
WHERE order_id = ANY ($1)
