-- How streams and the feed are read, and what wakes readers.

-- Events of a stream between two versions, recorded by `until`, oldest first; at most `most` of
-- them, NULL for no limit. This and the next two functions are inlined into the statements that
-- call them; partitioning replaces their bodies.
CREATE FUNCTION eventstore.read_stream_forward(
    stream_name text, first bigint, last bigint, until timestamptz, most bigint)
RETURNS SETOF eventstore.all_events
LANGUAGE sql STABLE AS $$
SELECT * FROM eventstore.all_events AS ev
WHERE ev.stream = stream_name
    AND ev.version >= first
    AND ev.version <= last
    AND ev.recorded_at <= until
ORDER BY ev.version
LIMIT most
$$;

-- The same, newest first.
CREATE FUNCTION eventstore.read_stream_backward(
    stream_name text, first bigint, last bigint, until timestamptz, most bigint)
RETURNS SETOF eventstore.all_events
LANGUAGE sql STABLE AS $$
SELECT * FROM eventstore.all_events AS ev
WHERE ev.stream = stream_name
    AND ev.version >= first
    AND ev.version <= last
    AND ev.recorded_at <= until
ORDER BY ev.version DESC
LIMIT most
$$;

-- Events of several streams, each after a version and in order. The length of the arrays is hidden from
-- the planner: otherwise it makes a new plan for every call.
CREATE FUNCTION eventstore.read_streams(names text[], afters bigint[])
RETURNS SETOF eventstore.all_events
LANGUAGE sql STABLE AS $$
SELECT stored.*
FROM unnest((SELECT names), (SELECT afters)) AS request (stream, after)
CROSS JOIN LATERAL (
    SELECT * FROM eventstore.all_events AS ev
    WHERE ev.stream = request.stream AND ev.version > request.after
    ORDER BY ev.version
    OFFSET 0
) AS stored
$$;

-- How far the feed can be read: everything at or below `mark` is committed or will never be.
-- Two statements, each with a snapshot of its own, in exactly this order: an append takes its lock
-- before it draws, so when the second statement runs, every position drawn before the first one is
-- either locked or its transaction has ended.
CREATE FUNCTION eventstore.feed_mark(OUT head bigint, OUT mark bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    lowest bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the feed needs READ COMMITTED' USING ERRCODE = 'ES003';
    END IF;
    SELECT p.last_value INTO head FROM eventstore.positions AS p;
    SELECT min(((l.classid::bigint & 65535) << 32) | l.objid::bigint) INTO lowest
    FROM pg_locks AS l
    WHERE l.locktype = 'advisory'
        AND l.objsubid = 1
        AND l.classid::bigint >> 16 = x'4553'::bigint
        AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database());
    mark := least(head, lowest);
END
$$;

-- Wakes the readers of the feed; never called inside an append, because NOTIFY takes a lock of the
-- whole cluster across its commit. A poke that is lost in a crash costs one polling interval.
CREATE FUNCTION eventstore.poke() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM pg_notify('eventstore_appended', '');
END
$$;
