-- COPY fires it as well.
CREATE TRIGGER events_guarded
    BEFORE INSERT ON eventstore.events
    FOR EACH STATEMENT EXECUTE FUNCTION eventstore.guard_insert();
