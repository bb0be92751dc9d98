-- COPY fires it as well. Not to be switched off by a session that replays replicated rows.
CREATE OR REPLACE TRIGGER events_guarded
    BEFORE INSERT ON eventstore.events
    FOR EACH STATEMENT
    WHEN (current_setting('eventstore.appending', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION eventstore.guard_insert();
ALTER TABLE eventstore.events ENABLE ALWAYS TRIGGER events_guarded;
