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
