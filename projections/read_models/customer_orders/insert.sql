-- Insert orders that were created in this batch.
INSERT INTO {schema}.customer_orders
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[],
    $7::bigint[], $8::bigint[], $9::text[], $10::text[]
)
