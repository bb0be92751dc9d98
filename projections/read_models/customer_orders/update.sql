-- Update orders that existed before this batch, except what only a creation sets.
UPDATE {schema}.customer_orders orders
SET updated_at = changed.updated_at,
    status = changed.status,
    total_minor = changed.total_minor,
    item_count = changed.item_count,
    reason = changed.reason,
    tracking_number = changed.tracking_number
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[],
    $8::text[], $9::timestamptz[], $10::timestamptz[]
) AS changed (
    order_id, customer_id, status, currency, total_minor, item_count, reason, tracking_number,
    placed_at, updated_at
)
WHERE orders.order_id = changed.order_id
