-- Events of archived streams, whole streams only: the same rows, out of the way of those in use.
-- The table can be put on another tablespace.
CREATE TABLE eventstore.archived_events (
    LIKE eventstore.events INCLUDING DEFAULTS,
    CONSTRAINT archived_events_position_key PRIMARY KEY (position),
    CONSTRAINT archived_events_stream_version_key UNIQUE (stream, version),
    CONSTRAINT archived_events_event_id_key UNIQUE (event_id)
);
