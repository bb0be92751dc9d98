-- Moves whole streams into the archive, all of them or none; those that are there already, or do
-- not exist, are left alone. Their rows in `streams` stay locked, so nothing is appended meanwhile.
CREATE FUNCTION eventstore.archive_streams(
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
    expected bigint;
BEGIN
    IF NOT eventstore.archive_is_open() OR NOT EXISTS (
        SELECT FROM pg_trigger
        WHERE tgrelid = 'eventstore.events'::regclass AND tgname = 'events_ids'
    ) THEN
        RAISE EXCEPTION 'open_archive() comes first'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT coalesce(array_agg(s.name), '{}'), coalesce(sum(s.version), 0) INTO ready, expected
    FROM (
        SELECT st.name, st.version FROM eventstore.streams AS st
        WHERE st.name = ANY (asked) AND st.version > 0 AND st.archived_version IS NULL
        ORDER BY st.name FOR UPDATE
    ) AS s;
    moved_streams := cardinality(ready);
    moved_events := 0;
    IF moved_streams = 0 THEN
        RETURN;
    END IF;
    PERFORM set_config('eventstore.moving', 'on', true);
    INSERT INTO eventstore.archived_events (
        position, recorded_at, version, tx, append_size, schema_version, bucket, event_id, stream,
        category, event_type, data, metadata)
    SELECT ev.position, ev.recorded_at, ev.version, ev.tx, ev.append_size, ev.schema_version,
        ev.bucket, ev.event_id, ev.stream, ev.category, ev.event_type, ev.data, ev.metadata
    FROM eventstore.events AS ev WHERE ev.stream = ANY (ready);
    GET DIAGNOSTICS moved_events = ROW_COUNT;
    IF moved_events <> expected THEN
        RAISE EXCEPTION 'these streams should have % events, there are %', expected, moved_events
            USING ERRCODE = 'data_corrupted';
    END IF;
    DELETE FROM eventstore.events AS ev WHERE ev.stream = ANY (ready);
    UPDATE eventstore.streams AS st SET archived_version = st.version WHERE st.name = ANY (ready);
    PERFORM set_config('eventstore.moving', 'off', true);
    INSERT INTO eventstore.archive_log (direction, streams, events, note)
    VALUES ('archived', moved_streams, moved_events, note);
END
$$;
