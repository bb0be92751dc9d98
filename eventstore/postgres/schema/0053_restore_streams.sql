-- Moves whole streams out of the archive, all of them or none, so that they can be appended to
-- again; those that are not archived are left alone. Events keep their places in the feed.
CREATE FUNCTION eventstore.restore_streams(
    asked text[], note text, OUT moved_streams integer, OUT moved_events bigint)
LANGUAGE plpgsql
-- The plans are made once a session, maybe on empty tables: they must stay right on large ones.
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    ready text[];
BEGIN
    -- All of them are locked, in the order of appends: one may follow in this transaction.
    SELECT coalesce(array_agg(s.name) FILTER (WHERE s.archived_version IS NOT NULL), '{}')
    INTO ready
    FROM (
        SELECT st.name, st.archived_version FROM eventstore.streams AS st
        WHERE st.name = ANY (asked)
        ORDER BY st.name FOR UPDATE
    ) AS s;
    moved_streams := cardinality(ready);
    moved_events := 0;
    IF moved_streams = 0 THEN
        RETURN;
    END IF;
    PERFORM set_config('eventstore.moving', 'on', true);
    PERFORM set_config('eventstore.appending', 'on', true);
    INSERT INTO eventstore.events (
        position, recorded_at, version, tx, append_size, schema_version, bucket, event_id, stream,
        category, event_type, data, metadata)
    SELECT kept.position, kept.recorded_at, kept.version, kept.tx, kept.append_size, kept.schema_version,
        kept.bucket, kept.event_id, kept.stream, kept.category, kept.event_type, kept.data, kept.metadata
    FROM eventstore.archived_events AS kept WHERE kept.stream = ANY (ready);
    GET DIAGNOSTICS moved_events = ROW_COUNT;
    PERFORM set_config('eventstore.appending', 'off', true);
    DELETE FROM eventstore.archived_events AS kept WHERE kept.stream = ANY (ready);
    PERFORM set_config('eventstore.moving', 'off', true);
    UPDATE eventstore.streams AS st SET archived_version = NULL WHERE st.name = ANY (ready);
    INSERT INTO eventstore.archive_log (direction, streams, events, note)
    VALUES ('restored', moved_streams, moved_events, note);
END
$$;
