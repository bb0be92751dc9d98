-- Insert the events of a batch.
INSERT INTO {schema}.audit_log
SELECT *
FROM unnest(
    $1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
    $15::uuid[]
)
