-- Update orders that existed before this batch, except what only a creation sets.
UPDATE {schema}.customer_orders orders
SET updated_at = changed.updated_at,
    status = changed.status,
    total_minor = changed.total_minor,
    item_count = changed.item_count,
    reason = changed.reason,
    tracking_number = changed.tracking_number
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[],
    $7::bigint[], $8::bigint[], $9::text[], $10::text[]
) AS changed (
    order_id, customer_id, currency, placed_at, updated_at, status, total_minor, item_count,
    reason, tracking_number
)
WHERE orders.order_id = changed.order_id
