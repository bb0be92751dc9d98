-- The last step: the table becomes the first partition of a new one that has its name. The check
-- on its border is validated, so no row is read; everybody waits for a few milliseconds.
CREATE FUNCTION eventstore.split_events() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    plan eventstore.partitioning;
BEGIN
    LOCK TABLE eventstore.events IN ACCESS EXCLUSIVE MODE;
    SELECT p.* INTO STRICT plan FROM eventstore.partitioning AS p FOR UPDATE;
    IF plan.done THEN
        RETURN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = 'eventstore.events'::regclass AND conname = 'events_border_check'
            AND convalidated
    ) THEN
        RAISE EXCEPTION 'the border of the first partition is not proven yet'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    ALTER TABLE eventstore.events RENAME TO events_0;
    ALTER TABLE eventstore.events_0 RENAME CONSTRAINT events_position_key TO events_0_position_key;
    ALTER TABLE eventstore.events_0
        RENAME CONSTRAINT events_stream_version_key TO events_0_stream_version_key;
    ALTER TABLE eventstore.events_0 DROP CONSTRAINT events_event_id_key;
    CREATE TABLE eventstore.events (
        LIKE eventstore.events_0 INCLUDING DEFAULTS INCLUDING STORAGE,
        CONSTRAINT events_position_key PRIMARY KEY (position)
    ) PARTITION BY RANGE (position);
    EXECUTE format(
        'ALTER TABLE eventstore.events ATTACH PARTITION eventstore.events_0'
        ' FOR VALUES FROM (MINVALUE) TO (%s)', plan.border);
    ALTER TABLE eventstore.events_0 DROP CONSTRAINT events_border_check;
    PERFORM eventstore.protect('eventstore.events', 'eventstore.appending');
    PERFORM eventstore.note_ids_of('eventstore.events', 'note_events');
    PERFORM eventstore.make_partition('events_default', NULL, NULL);
    PERFORM eventstore.define_all_events(eventstore.archive_is_open());
    -- By place: an index on event ids in every partition would be one more for each append.
    CREATE OR REPLACE FUNCTION eventstore.known_events(asked_ids uuid[])
    RETURNS TABLE (
        event_id uuid, stream text, version bigint, place bigint, append_size integer, tx xid8)
    LANGUAGE sql STABLE AS $body$
    SELECT ev.event_id, ev.stream, ev.version, ev.position, ev.append_size, ev.tx
    FROM eventstore.event_ids AS known
    CROSS JOIN LATERAL (
        SELECT * FROM eventstore.all_events AS found
        WHERE found.position = known.position OFFSET 0
    ) AS ev
    WHERE known.event_id = ANY (asked_ids)
    $body$;
    UPDATE eventstore.partitioning SET done = true;
END
$$;
