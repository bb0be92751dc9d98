-- Update orders that existed before this batch, except what only a creation sets.
UPDATE {schema}.current_orders orders
SET updated_at = changed.updated_at,
    status = changed.status,
    total_minor = changed.total_minor,
    line_count = changed.line_count,
    item_count = changed.item_count,
    reason = changed.reason,
    payment_reference = changed.payment_reference,
    tracking_number = changed.tracking_number,
    submitted_at = changed.submitted_at,
    closed_at = changed.closed_at,
    version = changed.version,
    country = changed.country,
    draft = changed.draft,
    skus = string_to_array(changed.skus, ' ')
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::int[], $7::bigint[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[],
    $14::timestamptz[], $15::timestamptz[], $16::int[], $17::text[], $18::text[],
    $19::text[]
) AS changed (
    order_id, customer_id, status, currency, total_minor, line_count, item_count, reason,
    payment_reference, tracking_number, reference, placed_at, submitted_at, closed_at, updated_at,
    version, country, draft, skus
)
WHERE orders.order_id = changed.order_id
