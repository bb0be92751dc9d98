-- Event ids are never given back.
CREATE TRIGGER event_ids_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON eventstore.event_ids
    FOR EACH STATEMENT EXECUTE FUNCTION eventstore.refuse_change();
