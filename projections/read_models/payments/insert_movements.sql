-- Insert the movements of a batch.
INSERT INTO {schema}.payment_movements
SELECT *
FROM unnest(
    $1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::date[], $6::text[],
    $7::bigint[], $8::text[]
)
