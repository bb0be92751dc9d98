-- Events of a stream, newest first.
SELECT event_id, stream, version, position, event_type, schema_version,
    data, metadata, timestamptz_send(recorded_at)
FROM eventstore.all_events
WHERE stream = $1
    AND version >= $2
    AND version <= $3
    AND recorded_at <= $4
ORDER BY version DESC
LIMIT $5;
