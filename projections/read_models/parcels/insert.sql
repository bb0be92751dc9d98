-- Insert parcels whose stream began in this batch.
INSERT INTO {schema}.parcels
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[],
    $8::boolean[], $9::text[], $10::text[], $11::timestamptz[], $12::int[]
)
