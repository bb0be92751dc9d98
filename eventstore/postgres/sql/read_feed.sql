-- A page of the feed up to a mark that is known to be complete.
SELECT event_id, stream, version, position, event_type, schema_version,
    data, metadata, timestamptz_send(recorded_at)
FROM eventstore.all_events
WHERE position > $1
    AND position <= $2
ORDER BY position
LIMIT $3;
