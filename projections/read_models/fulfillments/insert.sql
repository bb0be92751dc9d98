-- Insert sagas whose stream began in this batch.
INSERT INTO {schema}.fulfillments
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
    $15::text[], $16::timestamptz[], $17::timestamptz[], $18::timestamptz[], $19::int[]
)
