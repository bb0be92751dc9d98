-- Events of a stream of a partitioned store. A variable bounds the positions, so that the plan
-- leaves out the partitions before the stream began when it starts, not row by row.
CREATE FUNCTION eventstore.read_partitioned_stream(
    asked text, first bigint, last bigint, until timestamptz, backward boolean, most bigint
) RETURNS SETOF eventstore.all_events
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET work_mem = '64MB'
AS $$
DECLARE
    low bigint := eventstore.first_position(ARRAY[asked]);
BEGIN
    IF backward THEN
        RETURN QUERY
        SELECT ev.* FROM eventstore.all_events AS ev
        WHERE ev.stream = asked AND ev.version >= first AND ev.version <= last
            AND ev.recorded_at <= until AND ev.position >= low
        ORDER BY ev.version DESC LIMIT most;
    ELSE
        RETURN QUERY
        SELECT ev.* FROM eventstore.all_events AS ev
        WHERE ev.stream = asked AND ev.version >= first AND ev.version <= last
            AND ev.recorded_at <= until AND ev.position >= low
        ORDER BY ev.version LIMIT most;
    END IF;
END
$$;
