-- One row per SKU: its pieces.
CREATE TABLE {schema}.stock_levels (
    sku text NOT NULL,
    on_hand bigint NOT NULL,
    reserved bigint NOT NULL,
    available bigint NOT NULL GENERATED ALWAYS AS (on_hand - reserved) STORED,
    received bigint NOT NULL,
    shipped bigint NOT NULL,
    backordered bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT stock_levels_pkey PRIMARY KEY (sku)
) WITH (fillfactor = 70);

CREATE INDEX stock_levels_available ON {schema}.stock_levels (available, sku);
