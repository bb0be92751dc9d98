-- What readers see: each event once, wherever it is kept. It shows the archive as well from the
-- moment that there is one: until then reads shall not look into a second table.
CREATE VIEW eventstore.all_events AS
SELECT position, recorded_at, version, tx, append_size, schema_version, bucket, event_id, stream,
    category, event_type, data, metadata
FROM eventstore.events;
