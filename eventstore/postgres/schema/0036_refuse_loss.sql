-- After a DELETE: each row that went must stand elsewhere, exactly as it was. So events can be
-- moved between the table and the archive, and cannot be removed, by whatever function.
CREATE FUNCTION eventstore.refuse_loss() RETURNS trigger
LANGUAGE plpgsql
-- The plans are made once a session, maybe on empty tables: they must stay right on large ones.
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM gone
        LEFT JOIN eventstore.all_events AS ev ON ev.position = gone.position
        WHERE (ev.position, ev.recorded_at, ev.version, ev.tx, ev.append_size, ev.schema_version,
                ev.bucket, ev.event_id, ev.stream, ev.category, ev.event_type, ev.data::text,
                ev.metadata::text)
            IS DISTINCT FROM (gone.position, gone.recorded_at, gone.version, gone.tx,
                gone.append_size, gone.schema_version, gone.bucket, gone.event_id, gone.stream,
                gone.category, gone.event_type, gone.data::text, gone.metadata::text)
    ) THEN
        RAISE EXCEPTION 'DELETE on %.% is refused: events would be lost', TG_TABLE_SCHEMA,
            TG_TABLE_NAME USING ERRCODE = 'ES001';
    END IF;
    RETURN NULL;
END
$$;
