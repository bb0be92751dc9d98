-- A page of the feed up to a position, by category, event type and bucket.
SELECT event_id, stream, version, position, event_type, schema_version,
    data, metadata, timestamptz_send(recorded_at)
FROM eventstore.all_events
WHERE position > $1
    AND position <= $2
    AND ($4::text[] IS NULL OR category = ANY ($4))
    AND ($5::text[] IS NULL OR event_type = ANY ($5))
    AND bucket >= $6
    AND bucket < $7
ORDER BY position
LIMIT $3;
