-- Events of a stream, oldest first.
SELECT event_id, stream, version, position, event_type, schema_version,
    data, metadata, timestamptz_send(recorded_at)
FROM eventstore.read_stream_forward($1, $2, $3, $4, $5);
