-- Stored events are facts: the database itself refuses to change or remove them.
CREATE FUNCTION eventstore.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on eventstore.events is refused: events are append-only', TG_OP
        USING ERRCODE = 'ES001';
END
$$;
