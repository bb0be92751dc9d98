-- COPY fires it as well.
CREATE OR REPLACE TRIGGER events_guarded
    BEFORE INSERT ON eventstore.events
    FOR EACH STATEMENT
    WHEN (current_setting('eventstore.appending', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION eventstore.guard_insert();
