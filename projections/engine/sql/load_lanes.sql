-- The lanes of some projections (all if null) and their positions.
SELECT projection, lane, first_bucket, end_bucket, version, position, paused, parked, updated_at
FROM read_models.checkpoints
WHERE target = $1 AND ($2::text[] IS NULL OR projection = ANY ($2))
ORDER BY projection, lane
