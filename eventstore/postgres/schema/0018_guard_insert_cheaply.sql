-- The same guard as before, but its condition is tested without calling a function: it is met by
-- every append, and only refusals need to be slow.
CREATE OR REPLACE FUNCTION eventstore.guard_insert() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'INSERT into eventstore.events goes through eventstore.append_events() only'
        USING ERRCODE = 'ES002';
END
$$;
