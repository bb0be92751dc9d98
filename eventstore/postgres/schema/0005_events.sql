-- Every event, for ever. `data` and `metadata` are json, not jsonb: they are returned exactly as
-- they were given (digits of numbers, order of keys) and read without conversion. `append_size`
-- is the number of events in the append, to tell a repeated append from a different one; `tx` is
-- for diagnosis.
CREATE TABLE eventstore.events (
    position bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    version bigint NOT NULL,
    tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
    append_size integer NOT NULL,
    schema_version smallint NOT NULL,
    bucket smallint NOT NULL,
    event_id uuid NOT NULL,
    stream text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    data json NOT NULL,
    metadata json NOT NULL,
    CONSTRAINT events_position_key PRIMARY KEY (position),
    CONSTRAINT events_stream_version_key UNIQUE (stream, version),
    CONSTRAINT events_event_id_key UNIQUE (event_id)
);
