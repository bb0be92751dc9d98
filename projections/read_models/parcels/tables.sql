-- One row per parcel, from the label to the last scan.
CREATE TABLE {schema}.parcels (
    order_id text NOT NULL,
    status text NOT NULL,
    carrier text,
    tracking_number text,
    scanned_at timestamptz,
    contradicted_by text,
    given_up text,
    needs_attention boolean NOT NULL,
    waiting_for text,
    last_operator text,
    updated_at timestamptz NOT NULL,
    version integer NOT NULL,
    CONSTRAINT parcels_pkey PRIMARY KEY (order_id)
) WITH (fillfactor = 80);

CREATE INDEX parcels_updated ON {schema}.parcels (updated_at DESC, order_id DESC);
CREATE INDEX parcels_status ON {schema}.parcels (status, updated_at DESC, order_id DESC);
CREATE INDEX parcels_tracking ON {schema}.parcels (tracking_number)
    WHERE tracking_number IS NOT NULL;
CREATE INDEX parcels_attention
    ON {schema}.parcels (updated_at DESC, order_id DESC) WHERE needs_attention;
