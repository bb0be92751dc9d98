-- Park streams, each with the event that could not be applied.
INSERT INTO read_models.parked_streams
    (target, projection, stream, bucket, position, error, attempts)
SELECT $1, $2, stream, bucket, position, error, $7
FROM unnest($3::text[], $4::int[], $5::bigint[], $6::text[])
    AS refused (stream, bucket, position, error)
