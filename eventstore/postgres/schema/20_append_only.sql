-- Triggers that keep events append-only for every writer.

-- Stored events are facts: the database itself refuses to change or remove them.
CREATE FUNCTION eventstore.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: events are append-only', TG_OP, TG_TABLE_SCHEMA,
        TG_TABLE_NAME USING ERRCODE = 'ES001';
END
$$;

-- An insert that bypasses append_events() takes no watermark lock: readers would skip its rows. The
-- condition is part of the trigger, so an append does not have to call a function for it.
CREATE FUNCTION eventstore.guard_insert() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'INSERT into eventstore.events goes through eventstore.append_events() only'
        USING ERRCODE = 'ES002';
END
$$;

-- After a DELETE: each deleted row must exist elsewhere, exactly as it was. So events can be moved
-- between the table and the archive, but no function can remove them.
CREATE FUNCTION eventstore.refuse_loss() RETURNS trigger
LANGUAGE plpgsql
-- Plans are made once a session, perhaps on empty tables: they must stay right on large ones.
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM gone
        LEFT JOIN eventstore.all_events AS ev ON ev.position = gone.position
        WHERE (ev.position, ev.recorded_at, ev.version, ev.tx, ev.append_size, ev.schema_version,
                ev.bucket, ev.event_id, ev.stream, ev.category, ev.event_type, ev.data::text,
                ev.metadata::text)
            IS DISTINCT FROM (gone.position, gone.recorded_at, gone.version, gone.tx,
                gone.append_size, gone.schema_version, gone.bucket, gone.event_id, gone.stream,
                gone.category, gone.event_type, gone.data::text, gone.metadata::text)
    ) THEN
        RAISE EXCEPTION 'DELETE on %.% is refused: events would be lost', TG_TABLE_SCHEMA,
            TG_TABLE_NAME USING ERRCODE = 'ES001';
    END IF;
    RETURN NULL;
END
$$;

-- Gives a table of events its triggers; each partition needs its own, because statement triggers fire
-- for the table that the statement names. `door` is the setting that lets inserts pass.
CREATE FUNCTION eventstore.protect(guarded regclass, door text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER events_append_only BEFORE UPDATE OR TRUNCATE ON %s'
        ' FOR EACH STATEMENT EXECUTE FUNCTION eventstore.refuse_change()', guarded);
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER events_kept BEFORE DELETE ON %s FOR EACH STATEMENT'
        ' WHEN (current_setting(''eventstore.moving'', true) IS DISTINCT FROM ''on'')'
        ' EXECUTE FUNCTION eventstore.refuse_change()', guarded);
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER events_moved AFTER DELETE ON %s REFERENCING OLD TABLE AS gone'
        ' FOR EACH STATEMENT EXECUTE FUNCTION eventstore.refuse_loss()', guarded);
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER events_guarded BEFORE INSERT ON %s FOR EACH STATEMENT'
        ' WHEN (current_setting(%L, true) IS DISTINCT FROM ''on'')'
        ' EXECUTE FUNCTION eventstore.guard_insert()', guarded, door);
    -- ALWAYS: fires even in a session that replays replicated rows.
    EXECUTE format(
        'ALTER TABLE %s ENABLE ALWAYS TRIGGER events_append_only,'
        ' ENABLE ALWAYS TRIGGER events_kept, ENABLE ALWAYS TRIGGER events_moved,'
        ' ENABLE ALWAYS TRIGGER events_guarded', guarded);
END
$$;

-- Events may move to the archive, and nowhere else.
SELECT eventstore.protect('eventstore.events', 'eventstore.appending');

-- The archive is as append-only as the events are.
SELECT eventstore.protect('eventstore.archived_events', 'eventstore.moving');

-- Event ids are never released.
CREATE TRIGGER event_ids_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON eventstore.event_ids
    FOR EACH STATEMENT EXECUTE FUNCTION eventstore.refuse_change();

-- After an append to an unpartitioned store with an archive: refuses the ids of archived events,
-- which the unique index on `events` no longer contains.
CREATE FUNCTION eventstore.refuse_archived_id() RETURNS trigger
LANGUAGE plpgsql
-- Plans are made once a session, perhaps on empty tables: they must stay right on large ones.
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added
        JOIN eventstore.archived_events AS kept ON kept.event_id = added.event_id
    ) THEN
        RAISE EXCEPTION 'an event id belongs to an archived event'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'archived_events_event_id_key';
    END IF;
    RETURN NULL;
END
$$;

-- Gives a table of events the trigger that records event ids or looks them up in the archive.
CREATE FUNCTION eventstore.note_ids_of(watched regclass, how text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER events_ids AFTER INSERT ON %s REFERENCING NEW TABLE AS added'
        ' FOR EACH STATEMENT'
        ' WHEN (current_setting(''eventstore.moving'', true) IS DISTINCT FROM ''on'')'
        ' EXECUTE FUNCTION eventstore.%I()', watched, how);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER events_ids', watched);
END
$$;
