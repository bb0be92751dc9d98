-- Events of a stream of a partitioned store, newest first.
SELECT event_id, stream, version, position, event_type, schema_version,
    data, metadata, timestamptz_send(recorded_at)
FROM eventstore.read_partitioned_stream($1, $2, $3, $4, true, $5);
