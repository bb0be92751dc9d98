-- One row per return: the decisions on refund and restock, and whether they were carried out.
CREATE TABLE {schema}.returns (
    order_id text NOT NULL,
    return_id text NOT NULL,
    kind text NOT NULL,
    pieces integer NOT NULL,
    refund text NOT NULL,
    refund_minor bigint,
    currency text,
    restock text NOT NULL,
    restock_pieces integer,
    needs_attention boolean NOT NULL,
    at_step text,
    waiting_for text,
    last_operator text,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    updated_at timestamptz NOT NULL,
    CONSTRAINT returns_pkey PRIMARY KEY (order_id, return_id)
) WITH (fillfactor = 80);

CREATE INDEX returns_updated
    ON {schema}.returns (updated_at DESC, order_id DESC, return_id DESC);
-- Orders with a refund that was granted and has not begun.
CREATE INDEX returns_granted ON {schema}.returns (order_id) WHERE refund = 'granted';
CREATE INDEX returns_open
    ON {schema}.returns (updated_at DESC, order_id DESC, return_id DESC) WHERE closed_at IS NULL;
