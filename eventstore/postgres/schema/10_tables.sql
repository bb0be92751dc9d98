-- The tables: events, streams, archive, checkpoints, snapshots; and the view that readers use.

-- Everything of the event store lives in a schema of its own.
CREATE SCHEMA eventstore;

-- Positions in the feed. CACHE 1: with a larger cache, a backend would hand out positions below
-- those that others have drawn since, and the feed's watermark would be wrong. The upper 16 bits
-- of a bigint are left to the tag of the watermark lock.
CREATE SEQUENCE eventstore.positions
    AS bigint MINVALUE 0 MAXVALUE 281474976710655 START WITH 1 CACHE 1 NO CYCLE;

-- The last value of a fresh sequence is 0, so that it always means "the last position drawn".
SELECT setval('eventstore.positions', 0);

-- The authority on versions: each append locks the rows of its streams. Version 0: the stream does
-- not exist yet. Collation C makes the order of locking the same everywhere. `archived_version` is
-- the version at which the events were archived, NULL for streams that are not archived. An append
-- would change the version, so the check refuses it at no cost. `first_position` is the position of
-- the first event, in a partitioned store only: reads skip older partitions.
CREATE TABLE eventstore.streams (
    name text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    bucket smallint NOT NULL,
    archived_version bigint,
    first_position bigint,
    CONSTRAINT streams_name_key PRIMARY KEY (name),
    CONSTRAINT streams_version_check CHECK (version >= 0),
    CONSTRAINT streams_archived_check
        CHECK (archived_version IS NULL OR version = archived_version)
) WITH (fillfactor = 70);

-- Every event, for ever. `data` and `metadata` are json, not jsonb: they are returned exactly as
-- they were appended (digits of numbers, order of keys) and read without conversion. `append_size`
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

-- Events of archived streams, always whole streams: the same rows, out of the way of those in use.
-- The table can be moved to another tablespace.
CREATE TABLE eventstore.archived_events (
    LIKE eventstore.events INCLUDING DEFAULTS,
    CONSTRAINT archived_events_position_key PRIMARY KEY (position),
    CONSTRAINT archived_events_stream_version_key UNIQUE (stream, version),
    CONSTRAINT archived_events_event_id_key UNIQUE (event_id)
);

-- Every event id with its position, for a partitioned store: a partition cannot enforce that an id is
-- unique in all of them. Empty as long as `events` is one table.
CREATE TABLE eventstore.event_ids (
    event_id uuid NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT event_ids_event_id_key PRIMARY KEY (event_id)
);

-- The positions that readers of the feed have reached; lanes are parts of one reader's work.
CREATE TABLE eventstore.checkpoints (
    name text NOT NULL,
    lane integer NOT NULL DEFAULT 0,
    position bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT checkpoints_key PRIMARY KEY (name, lane)
) WITH (fillfactor = 50);

-- Events that a follower of the feed could not act on: it went on without them and tries them again
-- when they are due. A row is removed when a try succeeds.
CREATE TABLE eventstore.set_aside (
    follower text NOT NULL,
    position bigint NOT NULL,
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    error text NOT NULL,
    tries integer NOT NULL DEFAULT 1,
    first_seen timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at timestamptz NOT NULL,
    CONSTRAINT set_aside_key PRIMARY KEY (follower, position)
);

-- Snapshots of states, one per stream and schema version; they can be deleted at any time.
CREATE TABLE eventstore.snapshots (
    stream text COLLATE "C" NOT NULL,
    schema_version integer NOT NULL,
    version bigint NOT NULL,
    data json NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT snapshots_key PRIMARY KEY (stream, schema_version)
);

-- What eventstore.probe() writes.
CREATE TABLE eventstore.probes (
    slot integer NOT NULL,
    probed_at timestamptz NOT NULL,
    CONSTRAINT probes_key PRIMARY KEY (slot)
) WITH (fillfactor = 50);

-- Moves of streams into the archive and out of it, a row for each transaction.
CREATE TABLE eventstore.archive_log (
    id bigint GENERATED ALWAYS AS IDENTITY,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    direction text NOT NULL,
    streams integer NOT NULL,
    events bigint NOT NULL,
    note text NOT NULL,
    moved_by text NOT NULL DEFAULT session_user,
    CONSTRAINT archive_log_key PRIMARY KEY (id),
    CONSTRAINT archive_log_direction_check CHECK (direction IN ('archived', 'restored'))
);

-- How a store is partitioned; no row as long as `events` is one table. `border` is the end of the
-- last partition with bounds: later events are in the default partition.
CREATE TABLE eventstore.partitioning (
    only_row boolean NOT NULL DEFAULT true,
    size bigint NOT NULL,
    border bigint NOT NULL,
    done boolean NOT NULL DEFAULT false,
    CONSTRAINT partitioning_key PRIMARY KEY (only_row),
    CONSTRAINT partitioning_only_row_check CHECK (only_row),
    CONSTRAINT partitioning_size_check CHECK (size > 0)
);

-- What readers see: each event once, wherever it is stored. The archive is added when the first
-- stream is archived: until then, reads need not look into a second table.
CREATE VIEW eventstore.all_events AS
SELECT position, recorded_at, version, tx, append_size, schema_version, bucket, event_id, stream,
    category, event_type, data, metadata
FROM eventstore.events;
