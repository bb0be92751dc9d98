-- One row per event of an order, over all its streams.
CREATE TABLE {schema}.order_history (
    order_id text NOT NULL,
    position bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    stream text NOT NULL,
    version integer NOT NULL,
    event_type text NOT NULL,
    line text NOT NULL,
    actor text NOT NULL,
    CONSTRAINT order_history_pkey PRIMARY KEY (order_id, position)
);
