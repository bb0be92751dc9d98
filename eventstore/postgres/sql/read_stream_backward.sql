-- Events of a stream, newest first.
SELECT event_id, stream, version, position, event_type, schema_version,
    data, metadata, timestamptz_send(recorded_at)
FROM eventstore.read_stream_backward($1, $2, $3, $4, $5);
