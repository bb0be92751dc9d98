-- Streams, each after a version or from a later snapshot of its schema version (NULL: from none), in
-- one round trip: first the snapshots, which have no event id, then the events after them. This
-- order is certain, because a scan of a CTE never runs in parallel. As in read_streams(), the
-- length of the arrays is hidden from the planner.
WITH request AS MATERIALIZED (
    SELECT r.stream, r.after, s.version, s.schema_version, s.data
    FROM unnest((SELECT $1::text[]), (SELECT $2::bigint[]), (SELECT $3::integer[]))
        AS r (stream, after, schema_version)
    LEFT JOIN LATERAL (
        SELECT * FROM eventstore.snapshots AS stored
        WHERE stored.stream = r.stream
            AND stored.schema_version = r.schema_version
            AND stored.version > r.after
        OFFSET 0
    ) AS s ON true
)
SELECT NULL::uuid, stream, version, NULL::bigint, NULL::text, schema_version,
    data, NULL::json, NULL::bytea
FROM request
WHERE version IS NOT NULL
UNION ALL
SELECT ev.event_id, ev.stream, ev.version, ev.position, ev.event_type, ev.schema_version,
    ev.data, ev.metadata, timestamptz_send(ev.recorded_at)
FROM (
    SELECT array_agg(stream) AS streams, array_agg(coalesce(version, after)) AS afters
    FROM request
) AS r
CROSS JOIN LATERAL eventstore.read_streams(r.streams, r.afters) AS ev;
