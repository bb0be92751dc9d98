-- After an append to a store in one table that has an archive: the ids of archived events are
-- taken, though the unique index on `events` has forgotten them.
CREATE FUNCTION eventstore.refuse_archived_id() RETURNS trigger
LANGUAGE plpgsql
-- The plans are made once a session, maybe on empty tables: they must stay right on large ones.
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added
        JOIN eventstore.archived_events AS kept ON kept.event_id = added.event_id
    ) THEN
        RAISE EXCEPTION 'an event id belongs to an archived event'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'archived_events_event_id_key';
    END IF;
    RETURN NULL;
END
$$;
