-- Folded states, one per stream and schema version; they can be dropped at any time.
CREATE TABLE eventstore.snapshots (
    stream text COLLATE "C" NOT NULL,
    schema_version integer NOT NULL,
    version bigint NOT NULL,
    data json NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT snapshots_key PRIMARY KEY (stream, schema_version)
);
