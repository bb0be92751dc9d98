-- One row per order as it is now. `draft` holds the lines (JSON) until the order is submitted,
-- `skus` the products of its lines.
CREATE TABLE {schema}.current_orders (
    order_id text NOT NULL,
    customer_id text,
    status text NOT NULL,
    currency text NOT NULL,
    total_minor bigint NOT NULL,
    line_count integer NOT NULL,
    item_count bigint NOT NULL,
    reason text,
    payment_reference text,
    tracking_number text,
    reference text,
    placed_at timestamptz NOT NULL,
    submitted_at timestamptz,
    closed_at timestamptz,
    updated_at timestamptz NOT NULL,
    version integer NOT NULL,
    country text,
    draft text,
    skus text[] NOT NULL DEFAULT '{}',
    CONSTRAINT current_orders_pkey PRIMARY KEY (order_id)
) WITH (fillfactor = 80);

CREATE INDEX current_orders_placed ON {schema}.current_orders (placed_at DESC, order_id DESC);
CREATE INDEX current_orders_status
    ON {schema}.current_orders (status, placed_at DESC, order_id DESC);
CREATE INDEX current_orders_customer
    ON {schema}.current_orders (customer_id, placed_at DESC, order_id DESC)
    WHERE customer_id IS NOT NULL;
CREATE INDEX current_orders_country
    ON {schema}.current_orders (country, placed_at DESC, order_id DESC) WHERE country IS NOT NULL;
CREATE INDEX current_orders_reason
    ON {schema}.current_orders (reason, placed_at DESC, order_id DESC) WHERE reason IS NOT NULL;
-- Orders by what they cost: in one currency, amounts can be compared.
CREATE INDEX current_orders_total ON {schema}.current_orders (currency, total_minor, order_id);
-- An entry is written at once: what is pending would be read with each look-up.
CREATE INDEX current_orders_skus ON {schema}.current_orders USING gin (skus)
    WITH (fastupdate = off);
-- Orders by the shop's own number, and by the beginning of it or of the id.
CREATE INDEX current_orders_reference ON {schema}.current_orders (reference text_pattern_ops)
    WHERE reference IS NOT NULL;
CREATE INDEX current_orders_id ON {schema}.current_orders (order_id text_pattern_ops);
-- Open orders by their last event, for those that nothing happens to.
CREATE INDEX current_orders_quiet ON {schema}.current_orders (updated_at, order_id)
    WHERE status IN ('submitted', 'backordered', 'reserved', 'processing');
