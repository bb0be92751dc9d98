-- As before, but who waited for another that opened the archive looks again. It would define the
-- view a second time otherwise, when streams may have been archived already: an append that brings
-- one back has read the view and is about to write the log, so that the two wait for each other.
CREATE OR REPLACE FUNCTION eventstore.open_archive() RETURNS void
LANGUAGE plpgsql
SET lock_timeout = '3s'
AS $$
BEGIN
    IF eventstore.archive_is_open() THEN
        RETURN;
    END IF;
    LOCK TABLE eventstore.archive_log IN SHARE ROW EXCLUSIVE MODE;  -- one at a time
    IF eventstore.archive_is_open() THEN
        RETURN;
    END IF;
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
