-- Events of one stream of a partitioned store after a version.
SELECT event_id, stream, version, position, event_type, schema_version,
    data, metadata, timestamptz_send(recorded_at)
FROM eventstore.read_partitioned_streams(ARRAY[$1::text], ARRAY[$2::bigint]);
