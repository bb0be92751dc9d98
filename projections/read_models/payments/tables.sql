-- One row per order that a payment provider answered for. Amounts are in minor units.
CREATE TABLE {schema}.payments (
    order_id text NOT NULL,
    status text NOT NULL,
    currency text NOT NULL,
    authorised_minor bigint NOT NULL,
    captured_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    kept_minor bigint NOT NULL,
    pending_minor bigint NOT NULL,
    reference text,
    decline_code text,
    updated_at timestamptz NOT NULL,
    version integer NOT NULL,
    pending text NOT NULL,
    CONSTRAINT payments_pkey PRIMARY KEY (order_id)
) WITH (fillfactor = 80);

CREATE INDEX payments_updated ON {schema}.payments (updated_at DESC, order_id DESC);
CREATE INDEX payments_status ON {schema}.payments (status, updated_at DESC, order_id DESC);
CREATE INDEX payments_reference ON {schema}.payments (reference) WHERE reference IS NOT NULL;

-- One row per answer of a provider, on the day (UTC) on which it was recorded.
CREATE TABLE {schema}.payment_movements (
    position bigint NOT NULL,
    order_id text NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    day date NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    reference text NOT NULL,
    CONSTRAINT payment_movements_pkey PRIMARY KEY (position)
);

CREATE INDEX payment_movements_order ON {schema}.payment_movements (order_id, position);
CREATE INDEX payment_movements_day ON {schema}.payment_movements (day, currency);
CREATE INDEX payment_movements_reference ON {schema}.payment_movements (reference);
