-- Several streams in one round trip, each after a version or from a later snapshot in the schema
-- version asked for it (NULL: from none): the snapshots first, then the events after them (what
-- scans a CTE never runs in parallel, so this order stays). The inner queries keep their indexes,
-- whatever the planner knows of the tables' sizes.
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
FROM wanted AS w
CROSS JOIN LATERAL (
    SELECT * FROM eventstore.all_events AS ev
    WHERE ev.stream = w.stream AND ev.version > coalesce(w.version, w.after)
    ORDER BY ev.version
    OFFSET 0
) AS e;
