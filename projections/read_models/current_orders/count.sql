-- The number of orders by status and reason.
SELECT status, reason, count(*) AS orders
FROM {schema}.current_orders
GROUP BY status, reason
ORDER BY status, reason NULLS FIRST
