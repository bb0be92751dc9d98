-- Gives a table of events its guards; each partition needs its own, as those of a statement fire
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
    -- Not to be switched off by a session that replays replicated rows.
    EXECUTE format(
        'ALTER TABLE %s ENABLE ALWAYS TRIGGER events_append_only,'
        ' ENABLE ALWAYS TRIGGER events_kept, ENABLE ALWAYS TRIGGER events_moved,'
        ' ENABLE ALWAYS TRIGGER events_guarded', guarded);
END
$$;
