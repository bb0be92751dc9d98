-- Several streams of a partitioned store in one round trip, each after a version or from a later
-- snapshot in the schema version asked for it (NULL: from none): the snapshots first, then the
-- events after them.
WITH wanted AS MATERIALIZED (
    SELECT w.stream, w.after, s.version, s.schema_version, s.data
    FROM unnest($1::text[], $2::bigint[], $3::integer[]) AS w (stream, after, schema_version)
    LEFT JOIN LATERAL (
        SELECT * FROM eventstore.snapshots AS kept
        WHERE kept.stream = w.stream
            AND kept.schema_version = w.schema_version
            AND kept.version > w.after
        OFFSET 0
    ) AS s ON true
)
SELECT NULL::uuid, stream, version, NULL::bigint, NULL::text, schema_version,
    data, NULL::json, NULL::bytea
FROM wanted
WHERE version IS NOT NULL
UNION ALL
SELECT e.event_id, e.stream, e.version, e.position, e.event_type, e.schema_version,
    e.data, e.metadata, timestamptz_send(e.recorded_at)
FROM (
    SELECT array_agg(stream) AS streams, array_agg(coalesce(version, after)) AS afters
    FROM wanted
) AS w
CROSS JOIN LATERAL eventstore.read_partitioned_streams(w.streams, w.afters) AS e;
