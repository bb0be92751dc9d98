-- Makes a partition with its indexes and guards and attaches it; without bounds the default one.
CREATE FUNCTION eventstore.make_partition(name text, low bigint, high bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE TABLE eventstore.%1$I (LIKE eventstore.events INCLUDING DEFAULTS INCLUDING STORAGE,'
        ' CONSTRAINT %2$I PRIMARY KEY (position), CONSTRAINT %3$I UNIQUE (stream, version))',
        name, name || '_position_key', name || '_stream_version_key');
    PERFORM eventstore.protect(format('eventstore.%I', name)::regclass, 'eventstore.appending');
    PERFORM eventstore.note_ids_of(format('eventstore.%I', name)::regclass, 'note_events');
    -- Attached, not made in place: that would lock out readers of the whole table.
    EXECUTE format(
        'ALTER TABLE eventstore.events ATTACH PARTITION eventstore.%I %s', name,
        CASE WHEN low IS NULL THEN 'DEFAULT'
            ELSE format('FOR VALUES FROM (%s) TO (%s)', low, high) END);
END
$$;
