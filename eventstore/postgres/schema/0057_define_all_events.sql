-- Says anew what readers see. The view is locked for it, so every read sees either the one or the
-- other, and none that begins later misses the archive.
CREATE FUNCTION eventstore.define_all_events(with_archive boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    columns text := 'position, recorded_at, version, tx, append_size, schema_version, bucket,'
        ' event_id, stream, category, event_type, data, metadata';
BEGIN
    EXECUTE format('CREATE OR REPLACE VIEW eventstore.all_events AS SELECT %s'
        ' FROM eventstore.events', columns)
        || CASE WHEN with_archive
            THEN format(' UNION ALL SELECT %s FROM eventstore.archived_events', columns)
            ELSE '' END;
END
$$;
