-- How far readers of the feed may read, and what wakes them.

-- How far the feed can be read: everything at or below `mark` is committed or will never be.
-- Two statements, each with a snapshot of its own, in exactly this order: an append takes its lock
-- before it draws, so what was drawn before the first statement is locked at the second, or ended.
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
