-- Insert orders that were created in this batch.
INSERT INTO {schema}.current_orders (
    order_id, customer_id, status, currency, total_minor, line_count, item_count, reason,
    payment_reference, tracking_number, reference, placed_at, submitted_at, closed_at, updated_at,
    version, country, draft, skus
)
SELECT order_id, customer_id, status, currency, total_minor, line_count, item_count, reason,
       payment_reference, tracking_number, reference, placed_at, submitted_at, closed_at, updated_at,
       version, country, draft, string_to_array(skus, ' ')
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::int[], $7::bigint[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[],
    $14::timestamptz[], $15::timestamptz[], $16::int[], $17::text[], $18::text[],
    $19::text[]
) AS created (
    order_id, customer_id, status, currency, total_minor, line_count, item_count, reason,
    payment_reference, tracking_number, reference, placed_at, submitted_at, closed_at, updated_at,
    version, country, draft, skus
)
