-- One stream of a partitioned store after a version or from a later snapshot: first the snapshot, if
-- there is one, then the events after it.
WITH snapshot AS MATERIALIZED (
    SELECT stream, version, schema_version, data
    FROM eventstore.snapshots
    WHERE stream = $1 AND version > $2 AND schema_version = $3
)
SELECT NULL::uuid, stream, version, NULL::bigint, NULL::text, schema_version,
    data, NULL::json, NULL::bytea
FROM snapshot
UNION ALL
SELECT event_id, stream, version, position, event_type, schema_version,
    data, metadata, timestamptz_send(recorded_at)
FROM eventstore.read_partitioned_streams(
    ARRAY[$1::text], ARRAY[coalesce((SELECT version FROM snapshot), $2::bigint)]
);
