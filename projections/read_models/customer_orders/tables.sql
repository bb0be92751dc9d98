-- One row per order of a customer; orders of guests have no row.
CREATE TABLE {schema}.customer_orders (
    order_id text NOT NULL,
    customer_id text NOT NULL,
    status text NOT NULL,
    currency text NOT NULL,
    total_minor bigint NOT NULL,
    item_count bigint NOT NULL,
    reason text,
    tracking_number text,
    placed_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT customer_orders_pkey PRIMARY KEY (order_id)
) WITH (fillfactor = 80);

CREATE INDEX customer_orders_customer
    ON {schema}.customer_orders (customer_id, placed_at DESC, order_id DESC);
