-- Add a batch's sums. Rows are shared between lanes: the caller sorts, so that two transactions
-- lock them in the same order and never block each other in a ring.
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
