-- Where each projection stands, what it could not apply, and the schema of the live read models.
CREATE SCHEMA read_models;

-- One row a lane. The row lock is the fence: who holds it is the only one to apply that lane.
-- `target` is the schema whose tables are filled: the live ones, or those of a rebuild beside them.
CREATE TABLE read_models.checkpoints (
    target text NOT NULL,
    projection text NOT NULL,
    lane smallint NOT NULL,
    first_bucket smallint NOT NULL,
    end_bucket smallint NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    paused boolean NOT NULL DEFAULT false,
    parked integer NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT checkpoints_pkey PRIMARY KEY (target, projection, lane),
    CONSTRAINT checkpoints_lane_is_a_range CHECK (0 <= first_bucket AND first_bucket < end_bucket)
) WITH (fillfactor = 50);

-- Which version of a read model's definition its tables were made from.
CREATE TABLE read_models.versions (
    target text NOT NULL,
    projection text NOT NULL,
    version integer NOT NULL,
    CONSTRAINT versions_pkey PRIMARY KEY (target, projection)
);

-- A stream that a projection could not apply: its later events wait until it is replayed.
CREATE TABLE read_models.parked_streams (
    target text NOT NULL,
    projection text NOT NULL,
    stream text NOT NULL,
    bucket smallint NOT NULL,
    position bigint NOT NULL,
    error text NOT NULL,
    attempts integer NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT parked_streams_pkey PRIMARY KEY (target, projection, stream)
);

-- Every event that was passed over: the one that failed (waiting = false) and those behind it.
CREATE TABLE read_models.dead_letters (
    target text NOT NULL,
    projection text NOT NULL,
    position bigint NOT NULL,
    stream text NOT NULL,
    version integer NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    waiting boolean NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT dead_letters_pkey PRIMARY KEY (target, projection, position),
    CONSTRAINT dead_letters_stream_fkey FOREIGN KEY (target, projection, stream)
        REFERENCES read_models.parked_streams ON DELETE CASCADE
);

CREATE INDEX dead_letters_stream ON read_models.dead_letters (target, projection, stream, version);

-- The outbox: what is to be told to other systems. It is no read model: no rebuild replaces it.
-- A row is written in the transaction that moves the projection's checkpoint, and sent later.
-- `lease` is the sender that has the row until `due_at`; a row whose sender died is due again then.
CREATE TABLE read_models.notifications (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    kind text NOT NULL,
    data_version smallint NOT NULL,
    position bigint NOT NULL,
    subject text NOT NULL,
    occurred_at timestamptz NOT NULL,
    traceparent text,
    data jsonb NOT NULL,
    state text NOT NULL DEFAULT 'waiting',
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    lease uuid,
    due_at timestamptz NOT NULL DEFAULT now(),
    waiting_since timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    CONSTRAINT notifications_pkey PRIMARY KEY (id),
    CONSTRAINT notifications_once_an_event UNIQUE (event_id, kind),
    CONSTRAINT notifications_state_is_known CHECK (state IN ('waiting', 'delivered', 'dead'))
) WITH (fillfactor = 80);

CREATE INDEX notifications_due ON read_models.notifications (due_at, position)
    WHERE state = 'waiting';
CREATE INDEX notifications_order_of_subject ON read_models.notifications (subject, position, kind)
    WHERE state = 'waiting';
CREATE INDEX notifications_dead ON read_models.notifications (position) WHERE state = 'dead';
CREATE INDEX notifications_position ON read_models.notifications (position, kind);

-- One row that names the time since the database last crashed. A crash empties an unlogged table:
-- it takes back what was not yet on disk, positions that were drawn for nothing and checkpoints
-- among it, and a reader that remembers them must forget them.
CREATE UNLOGGED TABLE read_models.era (
    only_one boolean NOT NULL DEFAULT true,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    CONSTRAINT era_pkey PRIMARY KEY (only_one),
    CONSTRAINT era_is_one_row CHECK (only_one)
);
