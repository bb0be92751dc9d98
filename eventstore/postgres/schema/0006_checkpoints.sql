-- How far readers of the feed have come; lanes are parts of one reader's work.
CREATE TABLE eventstore.checkpoints (
    name text NOT NULL,
    lane integer NOT NULL DEFAULT 0,
    position bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT checkpoints_key PRIMARY KEY (name, lane)
) WITH (fillfactor = 50);
