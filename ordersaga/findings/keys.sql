-- Kind and subject of the findings about some orders, and of all about task queues.
SELECT kind, subject
FROM watchdog.findings
WHERE order_id IS NULL OR order_id = ANY ($1::text[])
