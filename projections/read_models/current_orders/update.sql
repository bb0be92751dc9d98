-- Rows of orders that were there before a batch; what a creation sets does not change.
UPDATE {schema}.current_orders orders
SET updated_at = given.updated_at,
    status = given.status,
    total_minor = given.total_minor,
    line_count = given.line_count,
    item_count = given.item_count,
    reason = given.reason,
    payment_reference = given.payment_reference,
    tracking_number = given.tracking_number,
    submitted_at = given.submitted_at,
    closed_at = given.closed_at,
    version = given.version,
    draft = given.draft
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[],
    $7::bigint[], $8::int[], $9::bigint[], $10::text[], $11::text[], $12::text[],
    $13::timestamptz[], $14::timestamptz[], $15::int[], $16::text[]
) AS given (
    order_id, customer_id, currency, placed_at, updated_at, status, total_minor, line_count,
    item_count, reason, payment_reference, tracking_number, submitted_at, closed_at, version, draft
)
WHERE orders.order_id = given.order_id
