-- Insert the events of a batch.
INSERT INTO {schema}.order_history
SELECT *
FROM unnest(
    $1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::int[], $6::text[], $7::text[],
    $8::text[]
)
