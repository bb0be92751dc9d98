-- How long the orders that were completed last took from one of their events to the next, in
-- seconds.
WITH latest AS (
    SELECT stream
    FROM {schema}.audit_log
    WHERE event_type = 'OrderCompleted'
    ORDER BY position DESC
    LIMIT $1
),
moments AS (
    SELECT min(event.recorded_at) FILTER (WHERE event_type = 'OrderSubmitted') AS submitted,
           min(event.recorded_at) FILTER (WHERE event_type = 'OrderReserved') AS reserved,
           min(event.recorded_at) FILTER (WHERE event_type = 'OrderProcessingStarted') AS paid,
           min(event.recorded_at) FILTER (WHERE event_type = 'OrderCompleted') AS completed
    FROM latest
    JOIN {schema}.audit_log AS event USING (stream)
    GROUP BY stream
),
steps AS (
    SELECT 'reserve_inventory' AS step, 1 AS number, reserved - submitted AS took FROM moments
    UNION ALL
    SELECT 'process_payment', 2, paid - reserved FROM moments
    UNION ALL
    SELECT 'create_shipment', 3, completed - paid FROM moments
)
SELECT step, count(took)::integer AS orders,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM took)) AS median_s,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM took)) AS slow_s
FROM steps
WHERE took IS NOT NULL
GROUP BY step, number
ORDER BY number
