-- Whole streams go to the archive and come back; readers see both from the first move on.

-- Redefines what readers see. The view is locked meanwhile: a read sees either the old or the new
-- definition, and no read that begins later misses the archive.
CREATE FUNCTION eventstore.define_all_events(with_archive boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    columns text := 'position, recorded_at, version, tx, append_size, schema_version, bucket,'
        ' event_id, stream, category, event_type, data, metadata';
BEGIN
    EXECUTE format('CREATE OR REPLACE VIEW eventstore.all_events AS SELECT %s'
        ' FROM eventstore.events', columns)
        || CASE WHEN with_archive
            THEN format(' UNION ALL SELECT %s FROM eventstore.archived_events', columns)
            ELSE '' END;
END
$$;

-- Whether readers see the archive.
CREATE FUNCTION eventstore.archive_is_open() RETURNS boolean
LANGUAGE sql STABLE AS $$
SELECT EXISTS (
    SELECT FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid
    WHERE d.refobjid = 'eventstore.archived_events'::regclass
        AND r.ev_class = 'eventstore.all_events'::regclass
)
$$;

-- To be called before the first move: from then on readers look into the archive, and appends look
-- whether an event id is archived; a partitioned store knows all ids anyway. The first call blocks
-- reads and appends for a moment.
CREATE FUNCTION eventstore.open_archive() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '3s'
AS $$
BEGIN
    IF eventstore.archive_is_open() THEN
        RETURN;
    END IF;
    LOCK TABLE eventstore.archive_log IN SHARE ROW EXCLUSIVE MODE;  -- one at a time
    -- A caller that waited for another one checks again. Redefining the view once streams have been
    -- archived could deadlock: an append that brings one back has read the view and is about to
    -- write the log.
    IF eventstore.archive_is_open() THEN
        RETURN;
    END IF;
    -- The view first, because appends lock it before the events: the reverse order could deadlock.
    PERFORM eventstore.define_all_events(true);
    IF NOT EXISTS (
        SELECT FROM pg_trigger
        WHERE tgrelid = 'eventstore.events'::regclass AND tgname = 'events_ids'
    ) THEN
        PERFORM eventstore.note_ids_of('eventstore.events', 'refuse_archived_id');
    END IF;
END
$$;

-- Moves whole streams into the archive, all of them or none; those that are there already, or do
-- not exist, are left alone. Their rows in `streams` stay locked, so nothing is appended meanwhile.
CREATE FUNCTION eventstore.archive_streams(
    names text[], note text, OUT moved_streams integer, OUT moved_events bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- Plans are made once a session, perhaps on empty tables: they must stay right on large ones.
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
            USING ERRCODE = 'ES004';
    END IF;
    SELECT coalesce(array_agg(s.name), '{}'), coalesce(sum(s.version), 0) INTO ready, expected
    FROM (
        SELECT st.name, st.version FROM eventstore.streams AS st
        WHERE st.name = ANY (names) AND st.version > 0 AND st.archived_version IS NULL
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

-- Moves whole streams out of the archive, all of them or none, so that they can be appended to
-- again; those that are not archived are left alone. Events keep their places in the feed.
CREATE FUNCTION eventstore.restore_streams(
    names text[], note text, OUT moved_streams integer, OUT moved_events bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- Plans are made once a session, perhaps on empty tables: they must stay right on large ones.
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
        WHERE st.name = ANY (names)
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
    SELECT kept.position, kept.recorded_at, kept.version, kept.tx, kept.append_size,
        kept.schema_version, kept.bucket, kept.event_id, kept.stream, kept.category,
        kept.event_type, kept.data, kept.metadata
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
