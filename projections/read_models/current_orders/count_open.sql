-- The number of open orders by status.
SELECT status, count(*)::integer AS orders
FROM {schema}.current_orders
WHERE status IN ('submitted', 'backordered', 'reserved', 'processing')
GROUP BY status
