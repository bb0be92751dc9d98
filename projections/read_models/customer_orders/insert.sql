-- Insert orders that were created in this batch.
INSERT INTO {schema}.customer_orders
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[],
    $8::text[], $9::timestamptz[], $10::timestamptz[]
)
