-- Events of one stream after a version. The driver takes several times as long to make a time as
-- anything else of a row; as bytes it is made once for the neighbours that share it.
SELECT event_id, stream, version, position, event_type, schema_version,
    data, metadata, timestamptz_send(recorded_at)
FROM eventstore.all_events
WHERE stream = $1
    AND version > $2
ORDER BY version;
