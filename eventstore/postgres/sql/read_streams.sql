-- Events of several streams, each after a version, in one round trip.
SELECT event_id, stream, version, position, event_type, schema_version,
    data, metadata, timestamptz_send(recorded_at)
FROM eventstore.read_streams($1, $2);
