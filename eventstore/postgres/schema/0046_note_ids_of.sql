-- Has the ids of a table of events noted, or looked up in the archive, after each append.
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
