-- An insert that bypasses append_events() draws no watermark lock: readers would skip its rows.
CREATE FUNCTION eventstore.guard_insert() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('eventstore.appending', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'INSERT into eventstore.events goes through eventstore.append_events() only'
            USING ERRCODE = 'ES002';
    END IF;
    RETURN NULL;
END
$$;
