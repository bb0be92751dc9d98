-- The age in seconds of the first event after a position, by category and bucket; also of an event
-- that the feed does not show yet.
SELECT greatest(extract(epoch FROM clock_timestamp() - recorded_at), 0)::float8
FROM eventstore.all_events
WHERE position > $1
    AND ($2::text[] IS NULL OR category = ANY ($2))
    AND ($3::text[] IS NULL OR event_type = ANY ($3))
    AND bucket >= $4
    AND bucket < $5
ORDER BY position
LIMIT 1
