-- Add the movements of a batch, one row per SKU.
INSERT INTO {schema}.stock_levels AS level
    (sku, on_hand, reserved, received, shipped, backordered, updated_at)
SELECT *
FROM unnest(
    $1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::timestamptz[]
)
ON CONFLICT (sku) DO UPDATE
SET on_hand = level.on_hand + excluded.on_hand,
    reserved = level.reserved + excluded.reserved,
    received = level.received + excluded.received,
    shipped = level.shipped + excluded.shipped,
    backordered = level.backordered + excluded.backordered,
    updated_at = excluded.updated_at
