-- Events of some types since a time, counted by hour.
SELECT date_bin('1 hour', recorded_at, 'epoch'::timestamptz) AS hour, event_type,
       count(*)::integer AS events
FROM {schema}.audit_log
WHERE event_type = ANY ($1::text[]) AND recorded_at >= $2
GROUP BY 1, 2
ORDER BY 1, 2
