-- The age in seconds of the first event after a position and up to another, by category, event type
-- and bucket; also of an event that the feed does not show yet.
SELECT greatest(extract(epoch FROM clock_timestamp() - recorded_at), 0)::float8
FROM eventstore.all_events
WHERE position > $1
    AND position <= $2
    AND ($3::text[] IS NULL OR category = ANY ($3))
    AND ($4::text[] IS NULL OR event_type = ANY ($4))
    AND bucket >= $5
    AND bucket < $6
ORDER BY position
LIMIT 1
