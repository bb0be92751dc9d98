-- All events of a stream from a version on. The driver decodes times slowly. Fetched as
-- bytes, a time is decoded once for all neighbours that share it.
SELECT event_id, stream, version, position, event_type, schema_version,
    data, metadata, timestamptz_send(recorded_at)
FROM eventstore.read_stream_forward($1, $2, 9223372036854775807, 'infinity', NULL);
