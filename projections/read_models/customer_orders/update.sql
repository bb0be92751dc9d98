-- Rows of orders that were there before a batch; what a creation sets does not change.
UPDATE {schema}.customer_orders orders
SET updated_at = given.updated_at,
    status = given.status,
    total_minor = given.total_minor,
    item_count = given.item_count,
    reason = given.reason,
    tracking_number = given.tracking_number
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[],
    $7::bigint[], $8::bigint[], $9::text[], $10::text[]
) AS given (
    order_id, customer_id, currency, placed_at, updated_at, status, total_minor, item_count,
    reason, tracking_number
)
WHERE orders.order_id = given.order_id
