-- Create the lanes of a projection, unless it has lanes.
INSERT INTO read_models.checkpoints
    (target, projection, version, lane, first_bucket, end_bucket, position, paused)
SELECT $1, $2, $3, lane, first_bucket, end_bucket, $7, $8
FROM unnest($4::int[], $5::int[], $6::int[]) AS new (lane, first_bucket, end_bucket)
WHERE NOT EXISTS (
    SELECT FROM read_models.checkpoints WHERE target = $1 AND projection = $2
)
