-- To be called before the first move: from then on readers look into the archive, and appends look
-- whether an event id is archived; a partitioned store knows all ids anyway. Holds everybody up for
-- a moment, the first time only.
CREATE FUNCTION eventstore.open_archive() RETURNS void
LANGUAGE plpgsql
SET lock_timeout = '3s'
AS $$
BEGIN
    IF eventstore.archive_is_open() THEN
        RETURN;
    END IF;
    LOCK TABLE eventstore.archive_log IN SHARE ROW EXCLUSIVE MODE;  -- one at a time
    -- The view first, as appends lock it before the events: the other way round is a deadlock.
    PERFORM eventstore.define_all_events(true);
    IF NOT EXISTS (
        SELECT FROM pg_trigger
        WHERE tgrelid = 'eventstore.events'::regclass AND tgname = 'events_ids'
    ) THEN
        PERFORM eventstore.note_ids_of('eventstore.events', 'refuse_archived_id');
    END IF;
END
$$;
