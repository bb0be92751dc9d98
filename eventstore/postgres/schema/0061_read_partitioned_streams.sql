-- As before, but it stops when it has found as many events as a stream has. Partitions are looked
-- into in their order, so a stream of which all events stand together costs a look into one of
-- them, however many there are after it; an order in the query itself would open them all.
CREATE OR REPLACE FUNCTION eventstore.read_partitioned_streams(names text[], afters bigint[])
RETURNS SETOF eventstore.all_events
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET work_mem = '64MB'
AS $$
DECLARE
    low bigint := eventstore.first_position(names);
BEGIN
    RETURN QUERY
    SELECT found.*
    FROM unnest(names, afters) AS wanted (stream, after)
    CROSS JOIN LATERAL (
        SELECT unordered.*
        FROM (
            SELECT * FROM eventstore.all_events AS ev
            WHERE ev.stream = wanted.stream AND ev.version > wanted.after AND ev.position >= low
            LIMIT greatest(0, (
                SELECT st.version FROM eventstore.streams AS st WHERE st.name = wanted.stream
            ) - wanted.after)
        ) AS unordered
        ORDER BY unordered.version
        OFFSET 0
    ) AS found;
END
$$;
