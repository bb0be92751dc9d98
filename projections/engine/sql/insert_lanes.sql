-- Create the lanes of a projection, unless it has lanes.
INSERT INTO read_models.checkpoints
    (target, projection, lane, first_bucket, end_bucket, position, paused)
SELECT $1, $2, lane, first_bucket, end_bucket, $6, $7
FROM unnest($3::int[], $4::int[], $5::int[]) AS new (lane, first_bucket, end_bucket)
WHERE NOT EXISTS (
    SELECT FROM read_models.checkpoints WHERE target = $1 AND projection = $2
)
