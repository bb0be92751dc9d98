-- The first step towards partitions: from here on the ids of new events are noted. The trigger
-- waits for the appends under way and holds new ones up for as long as it takes to make it.
-- Called again it changes nothing but the size.
CREATE FUNCTION eventstore.begin_partitioning(wanted bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM eventstore.partitioning WHERE done) THEN
        RETURN;
    END IF;
    INSERT INTO eventstore.partitioning AS p (size, border) VALUES (wanted, 0)
    ON CONFLICT ON CONSTRAINT partitioning_key DO UPDATE SET size = wanted;
    PERFORM eventstore.note_ids_of('eventstore.events', 'note_events');
END
$$;
