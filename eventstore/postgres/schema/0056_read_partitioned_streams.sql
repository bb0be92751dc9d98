-- Events of several streams of a partitioned store, each after a version and in order. A variable
-- bounds the positions, so that the plan leaves out the partitions before the first of these
-- streams began.
CREATE FUNCTION eventstore.read_partitioned_streams(names text[], afters bigint[])
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
        SELECT * FROM eventstore.all_events AS ev
        WHERE ev.stream = wanted.stream AND ev.version > wanted.after AND ev.position >= low
        ORDER BY ev.version
        OFFSET 0
    ) AS found;
END
$$;
