-- Add the sums of a batch. Lanes share these rows: the caller sorts them, so that transactions lock
-- them in the same order and cannot deadlock.
INSERT INTO {schema}.product_demand AS demand
SELECT *
FROM unnest(
    $1::text[], $2::date[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::numeric[], $10::numeric[]
)
ON CONFLICT (sku, day, currency) DO UPDATE
SET orders = demand.orders + excluded.orders,
    ordered = demand.ordered + excluded.ordered,
    reserved = demand.reserved + excluded.reserved,
    shipped = demand.shipped + excluded.shipped,
    cancelled = demand.cancelled + excluded.cancelled,
    ordered_minor = demand.ordered_minor + excluded.ordered_minor,
    cancelled_minor = demand.cancelled_minor + excluded.cancelled_minor
