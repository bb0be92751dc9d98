-- Orders submitted, completed and cancelled since a time, counted by hour.
SELECT date_bin('1 hour', recorded_at, 'epoch'::timestamptz) AS hour, event_type,
       count(*)::integer AS events
FROM {schema}.audit_log
WHERE event_type IN ('OrderSubmitted', 'OrderCompleted', 'OrderCancelled') AND recorded_at >= $1
GROUP BY 1, 2
ORDER BY 1, 2
