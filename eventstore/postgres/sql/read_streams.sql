-- Events of several streams, each after a version, in one round trip. Each stream is read in order
-- by the inner query, so there is no need to sort everything once more.
SELECT e.event_id, e.stream, e.version, e.position, e.event_type, e.schema_version,
    e.data, e.metadata, timestamptz_send(e.recorded_at)
FROM unnest($1::text[], $2::bigint[]) AS w (stream, after)
CROSS JOIN LATERAL (
    SELECT * FROM eventstore.all_events AS ev
    WHERE ev.stream = w.stream AND ev.version > w.after
    ORDER BY ev.version
    OFFSET 0
) AS e;
