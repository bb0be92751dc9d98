-- The findings about workflows that were looked at longest ago.
SELECT subject, order_id
FROM watchdog.findings
WHERE order_id IS NOT NULL
ORDER BY last_seen
LIMIT $1
