-- One row per SKU, day and currency. Several lanes add to it, so it holds only sums.
CREATE TABLE {schema}.product_demand (
    sku text NOT NULL,
    day date NOT NULL,
    currency text NOT NULL,
    orders bigint NOT NULL,
    ordered bigint NOT NULL,
    reserved bigint NOT NULL,
    shipped bigint NOT NULL,
    cancelled bigint NOT NULL,
    ordered_minor numeric(30) NOT NULL,
    cancelled_minor numeric(30) NOT NULL,
    CONSTRAINT product_demand_pkey PRIMARY KEY (sku, day, currency)
) WITH (fillfactor = 70);

CREATE INDEX product_demand_day ON {schema}.product_demand (day);

-- The open orders: what their next events will add to or take from the sums. `lines` is JSON.
CREATE TABLE {schema}.product_demand_open_orders (
    order_id text NOT NULL,
    day date NOT NULL,
    currency text NOT NULL,
    reserved boolean NOT NULL,
    lines text NOT NULL,
    CONSTRAINT product_demand_open_orders_pkey PRIMARY KEY (order_id)
) WITH (fillfactor = 80);
