-- Insert orders that were created in this batch.
INSERT INTO {schema}.current_orders
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[],
    $7::bigint[], $8::int[], $9::bigint[], $10::text[], $11::text[], $12::text[],
    $13::timestamptz[], $14::timestamptz[], $15::int[], $16::text[]
)
