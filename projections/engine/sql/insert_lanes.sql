-- Give a projection its lanes, unless it has some.
INSERT INTO read_models.checkpoints
    (target, projection, lane, first_bucket, end_bucket, position, paused)
SELECT $1, $2, lane, first_bucket, end_bucket, position, paused
FROM unnest($3::int[], $4::int[], $5::int[], $6::bigint[], $7::boolean[])
    AS given (lane, first_bucket, end_bucket, position, paused)
WHERE NOT EXISTS (
    SELECT FROM read_models.checkpoints WHERE target = $1 AND projection = $2
)
