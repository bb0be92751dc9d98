-- One row per saga.
CREATE TABLE {schema}.fulfillments (
    order_id text NOT NULL,
    workflow_id text,
    run_id text,
    status text NOT NULL,
    needs_attention boolean NOT NULL,
    waiting_for text,
    at_step text,
    failed_step text,
    failure_kind text,
    failure text,
    last_operator text,
    last_action text,
    outcome text,
    reason text,
    detail text,
    started_at timestamptz,
    closed_at timestamptz,
    updated_at timestamptz NOT NULL,
    version integer NOT NULL,
    CONSTRAINT fulfillments_pkey PRIMARY KEY (order_id)
) WITH (fillfactor = 80);

CREATE INDEX fulfillments_updated ON {schema}.fulfillments (updated_at DESC, order_id DESC);
CREATE INDEX fulfillments_status
    ON {schema}.fulfillments (status, updated_at DESC, order_id DESC);
CREATE INDEX fulfillments_attention
    ON {schema}.fulfillments (updated_at DESC, order_id DESC) WHERE needs_attention;
