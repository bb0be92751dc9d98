-- Insert payments whose stream began in this batch.
INSERT INTO {schema}.payments
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::bigint[], $9::text[], $10::text[], $11::timestamptz[], $12::int[], $13::text[]
)
