-- The control tables of the projections, the outbox, and the live read models.
CREATE SCHEMA read_models;

-- Here a rebuild fills new ones.
CREATE SCHEMA read_models_next;

-- One row per lane. The row lock is the fence: only its holder may apply that lane, and only if its
-- program has the `version` of the projection that the tables belong to. The version is in this row
-- because only a locked row is sure to be read as it is now; it is the same for all lanes.
-- `target` is the schema with the tables: the live ones, or those of a rebuild beside them.
CREATE TABLE read_models.checkpoints (
    target text NOT NULL,
    projection text NOT NULL,
    lane smallint NOT NULL,
    first_bucket smallint NOT NULL,
    end_bucket smallint NOT NULL,
    version integer NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    paused boolean NOT NULL DEFAULT false,
    parked integer NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT checkpoints_pkey PRIMARY KEY (target, projection, lane),
    CONSTRAINT checkpoints_lane_is_a_range CHECK (0 <= first_bucket AND first_bucket < end_bucket)
) WITH (fillfactor = 50);

-- Whether a worker holds the fence of a lane now. Only who may change a row may try its lock, so
-- this is done with the rights of the owner: everybody may see why a lane does not move.
CREATE FUNCTION read_models.is_held(target text, projection text, lane smallint) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
SELECT NOT EXISTS (
    SELECT FROM read_models.checkpoints AS here
    WHERE here.target = is_held.target
        AND here.projection = is_held.projection
        AND here.lane = is_held.lane
    FOR UPDATE SKIP LOCKED
)
$$;

-- A stream that a projection could not apply; its later events wait for a replay.
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

-- Each skipped event of a parked stream: the one that failed (waiting = false) and later ones.
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

-- The outbox: notifications for other systems. No rebuild replaces this table.
-- A row is written in the transaction that moves the projection's checkpoint, and sent later.
-- `lease` identifies the sender that works on the row until `due_at`; then it is due again.
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

-- One row that identifies the era: the time since the database last crashed. A crash empties this
-- unlogged table. It also undoes what was not yet on disk, such as checkpoints and positions that
-- no event used, so a reader must not rely on positions of an earlier era.
CREATE UNLOGGED TABLE read_models.era (
    only_one boolean NOT NULL DEFAULT true,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    CONSTRAINT era_pkey PRIMARY KEY (only_one),
    CONSTRAINT era_is_one_row CHECK (only_one)
);

-- The replays and rebuilds that people asked for, open and ended. Who may not write read models asks
-- here, and a process of projections with the same `version` of the read model carries it out.
-- `taken_by` is the process that works on it, until `taken_until`; then another one goes on.
-- `position` of `head` says how far a rebuild is.
CREATE TABLE read_models.repairs (
    id bigint GENERATED ALWAYS AS IDENTITY,
    request_id text NOT NULL,
    kind text NOT NULL,
    projection text NOT NULL,
    version integer NOT NULL,
    stream text NOT NULL DEFAULT '',
    requested_by text NOT NULL,
    reason text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    begun_at timestamptz,
    taken_by uuid,
    taken_until timestamptz,
    tries integer NOT NULL DEFAULT 0,
    position bigint NOT NULL DEFAULT 0,
    head bigint NOT NULL DEFAULT 0,
    ended_at timestamptz,
    failed boolean NOT NULL DEFAULT false,
    outcome text NOT NULL DEFAULT '',
    CONSTRAINT repairs_pkey PRIMARY KEY (id),
    CONSTRAINT repairs_once_a_request UNIQUE (request_id),
    CONSTRAINT repairs_kind_is_known CHECK (kind IN ('replay', 'rebuild'))
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX repairs_open ON read_models.repairs (projection, version, kind, stream)
    WHERE ended_at IS NULL;
